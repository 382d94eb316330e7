#include <vcflash/kernels/cpu/vectors.hpp>

#include <catch2/catch_test_macros.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

using namespace vcflash::kernels;

namespace {

VCFLASH_AVX512 void store(c10::BFloat16* to, float const* from) { cpu::store(to, cpu::load(from)); }

VCFLASH_AVX512 void widen(float* to, c10::BFloat16 const* from) {
  cpu::Floats const floats = cpu::load(from);
  std::memcpy(to, &floats, sizeof floats);
}

VCFLASH_AVX512 float sum(float const* from) { return cpu::sum_of(cpu::load(from)); }

}  // namespace

TEST_CASE("numbers of 16 bits are widened, and rounded as LibTorch rounds", "[unit]") {
  if (!cpu::has_avx512()) SKIP("the processor has no AVX-512");
  float floats[cpu::lanes], wide[cpu::lanes];
  c10::BFloat16 narrow[cpu::lanes];
  for (std::uint32_t high = 0; high < 1 << 16; ++high) {
    for (std::uint32_t lane = 0; lane < cpu::lanes; ++lane) {
      // halfway between two numbers of 16 bits, just beside, and elsewhere
      std::uint32_t const low = lane < 3 ? 0x7fff + lane : 0x1111 * lane;
      floats[lane] = std::bit_cast<float>(high << 16 | low);
    }
    store(narrow, floats);
    widen(wide, narrow);
    for (int lane = 0; lane < cpu::lanes; ++lane) {
      c10::BFloat16 const expected = floats[lane];
      bool const both_no_number = std::isnan(floats[lane]) && std::isnan(wide[lane]);
      REQUIRE((both_no_number ||
               (narrow[lane].x == expected.x && wide[lane] == static_cast<float>(expected))));
    }
  }
}

TEST_CASE("lanes are summed", "[unit]") {
  if (!cpu::has_avx512()) SKIP("the processor has no AVX-512");
  float x[cpu::lanes];
  for (int lane = 0; lane < cpu::lanes; ++lane) x[lane] = static_cast<float>(1 << lane);
  CHECK(sum(x) == 65535);
}
