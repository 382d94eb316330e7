#include <vcflash/kernels/cpu.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

using namespace vcflash::kernels;

namespace {

VCFLASH_AVX512 void store(c10::BFloat16* to, float const* from) { cpu::store(to, cpu::load(from)); }

VCFLASH_AVX512 void widen(float* to, c10::BFloat16 const* from) {
  cpu::Floats const floats = cpu::load(from);
  std::memcpy(to, &floats, sizeof floats);
}

VCFLASH_AVX512 float sum(float const* from) { return cpu::sum_of(cpu::load(from)); }

}  // namespace

TEST_CASE("every part of a range is given to a thread, once", "[unit]") {
  for (std::int64_t const count : {1, 5, 1000, 100'000}) {
    std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
    cpu::in_parallel(count, 7, [&](std::int64_t begin, std::int64_t end) {
      for (; begin < end; ++begin) ++visits[static_cast<std::size_t>(begin)];
    });
    for (auto const& visit : visits) REQUIRE(visit == 1);
  }
}

TEST_CASE("numbers of 16 bits are widened, and rounded as LibTorch rounds", "[unit]") {
  if (!cpu::has_avx512()) SKIP("the processor has no AVX-512");
  float floats[cpu::lanes], wide[cpu::lanes];
  c10::BFloat16 halves[cpu::lanes];
  for (std::uint32_t high = 0; high < 1 << 16; ++high) {
    for (std::uint32_t lane = 0; lane < cpu::lanes; ++lane) {
      // halfway between two numbers of 16 bits, just beside, and elsewhere
      std::uint32_t const low = lane < 3 ? 0x7fff + lane : 0x1111 * lane;
      floats[lane] = std::bit_cast<float>(high << 16 | low);
    }
    store(halves, floats);
    widen(wide, halves);
    for (int lane = 0; lane < cpu::lanes; ++lane) {
      c10::BFloat16 const expected = floats[lane];
      bool const both_no_number = std::isnan(floats[lane]) && std::isnan(wide[lane]);
      REQUIRE((both_no_number ||
               (halves[lane].x == expected.x && wide[lane] == static_cast<float>(expected))));
    }
  }
}

TEST_CASE("lanes are summed", "[unit]") {
  if (!cpu::has_avx512()) SKIP("the processor has no AVX-512");
  float x[cpu::lanes];
  for (int lane = 0; lane < cpu::lanes; ++lane) x[lane] = static_cast<float>(1 << lane);
  CHECK(sum(x) == 65535);
}

TEST_CASE("only dense bf16 tensors without gradients go the fast path", "[unit]") {
  if (!cpu::has_avx512()) SKIP("the processor has no AVX-512");
  auto const half = at::empty({4, 4}, at::kBFloat16);
  CHECK(cpu::takes_fast_path(half));
  CHECK_FALSE(cpu::takes_fast_path(half, at::empty({4}, at::kFloat)));
  CHECK_FALSE(cpu::takes_fast_path(half.t()));
  CHECK_FALSE(cpu::takes_fast_path(half.to(at::kMeta)));
  auto const learning = at::empty({4}, at::kBFloat16).requires_grad_();
  CHECK_FALSE(cpu::takes_fast_path(half, learning));
  at::NoGradGuard const no_grad;
  CHECK(cpu::takes_fast_path(half, learning));
}
