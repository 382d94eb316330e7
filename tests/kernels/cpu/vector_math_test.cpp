#include <vcflash/kernels/cpu/vector_math.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#ifdef __x86_64__

using namespace vcflash::kernels;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

VCFLASH_AVX512 void exp2(float* to, float const* from) {
  cpu::store(to, cpu::exp2(cpu::load(from)));
}

VCFLASH_AVX512 float greatest(float const* from) { return cpu::max_of(cpu::load(from)); }

VCFLASH_AVX512 void max(float* to, float const* from) {
  cpu::store(to, cpu::max(cpu::load(to), cpu::load(from)));
}

}  // namespace

TEST_CASE("powers of two are exact to two units in the last place", "[unit]") {
  if (!cpu::has_avx512()) SKIP("the processor has no AVX-512");
  float x[cpu::lanes], y[cpu::lanes];
  double worst = 0;
  for (double first = -126; first < 128 - 0.16; first += 0.0131) {
    for (int lane = 0; lane < cpu::lanes; ++lane) x[lane] = static_cast<float>(first + 0.01 * lane);
    exp2(y, x);
    for (int lane = 0; lane < cpu::lanes; ++lane) {
      double const exact = std::exp2(static_cast<double>(x[lane]));
      worst = std::max(worst, std::abs(static_cast<double>(y[lane]) / exact - 1));
    }
  }
  CHECK(worst < 2 * static_cast<double>(std::numeric_limits<float>::epsilon()));
}

TEST_CASE("powers of two have what is beyond them", "[unit]") {
  if (!cpu::has_avx512()) SKIP("the processor has no AVX-512");
  float x[cpu::lanes] = {-infinity, infinity, not_a_number, -1000, 1000}, y[cpu::lanes];
  exp2(y, x);
  CHECK(y[0] == 0);
  CHECK(y[1] == infinity);
  CHECK(std::isnan(y[2]));
  CHECK(y[3] == 0);
  CHECK(y[4] == infinity);
}

TEST_CASE("the greatest of lanes is found wherever it stands", "[unit]") {
  if (!cpu::has_avx512()) SKIP("the processor has no AVX-512");
  for (int place = 0; place < cpu::lanes; ++place) {
    float x[cpu::lanes];
    std::fill_n(x, cpu::lanes, -3.0F);
    x[place] = -2;
    CHECK(greatest(x) == -2);
  }
}

TEST_CASE("a NaN is kept of the second of two", "[unit]") {
  if (!cpu::has_avx512()) SKIP("the processor has no AVX-512");
  float to[cpu::lanes] = {1, 5}, from[cpu::lanes] = {4, 2, not_a_number};
  max(to, from);
  CHECK(to[0] == 4);
  CHECK(to[1] == 5);
  CHECK(std::isnan(to[2]));
}

#endif
