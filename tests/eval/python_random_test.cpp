#include <vcflash/eval/python_random.hpp>

#include <catch2/catch_test_macros.hpp>
#include <random>
#include <vector>

using vcflash::eval::PythonRandom;

namespace {

/// `std::mt19937` draws from the same state if a seed sequence lays that state out.
struct State {
  using result_type = std::uint32_t;
  template <class Iterator>
  void generate(Iterator begin, Iterator end) const {
    std::vector<std::uint32_t> x{19650218u};
    for (std::uint32_t i = 1; i < 624; ++i) {
      x.push_back(1812433253u * (x.back() ^ x.back() >> 30) + i);
    }
    std::uint32_t i = 1;
    auto const next = [&] {
      if (++i == 624) {
        x[0] = x[623];
        i = 1;
      }
    };
    for (int k = 0; k < 624; ++k, next()) {
      x[i] = (x[i] ^ (x[i - 1] ^ x[i - 1] >> 30) * 1664525u) + 5;
    }
    for (int k = 0; k < 623; ++k, next()) {
      x[i] = (x[i] ^ (x[i - 1] ^ x[i - 1] >> 30) * 1566083941u) - i;
    }
    x[0] = 0x80000000u;
    std::copy(x.begin(), x.end(), begin);
    (void)end;
  }
};

}  // namespace

TEST_CASE("what is drawn is below the count, and every value comes", "[unit]") {
  for (std::uint32_t const count : {1u, 2u, 3u, 5u, 700u}) {
    PythonRandom random(7);
    std::vector<int> seen(count);
    for (int i = 0; i < 20'000; ++i) ++seen.at(random.below(count));
    for (int const times : seen) CHECK(times > 0);
  }
}

TEST_CASE("a seed gives the numbers of a Mersenne Twister seeded by an array", "[unit]") {
  State state;
  std::mt19937 expected(state);
  PythonRandom random(5);
  for (int i = 0; i < 2000; ++i) {
    std::uint32_t drawn;
    do {
      drawn = static_cast<std::uint32_t>(expected()) >> 15;
    } while (drawn >= 1u << 16);
    CHECK(random.below(1u << 16) == drawn);
  }
}
