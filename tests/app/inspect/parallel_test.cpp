#include <vcflash/app/inspect/parallel.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash::app;

TEST_CASE("every number is worked on once, by however many threads", "[unit]") {
  for (int const threads : {1, 4}) {
    std::vector<int> seen(1000);
    std::vector<std::int64_t> sums(static_cast<std::size_t>(threads));
    std::int64_t last_done = 0;
    in_parallel(
        1000, threads, 7,
        [&](int thread, std::int64_t first, std::int64_t last) {
          for (auto i = first; i < last; ++i) {
            ++seen[static_cast<std::size_t>(i)];
            sums[static_cast<std::size_t>(thread)] += i;
          }
        },
        [&](std::int64_t done) { last_done = std::max(last_done, done); });
    CHECK(seen == std::vector<int>(1000, 1));
    CHECK(std::accumulate(sums.begin(), sums.end(), std::int64_t{0}) == 499'500);
    CHECK(last_done == 1000);
  }
  in_parallel(
      0, 3, 1, [](int, std::int64_t, std::int64_t) { FAIL(); }, [](std::int64_t) {});
}

TEST_CASE("what one thread throws ends the work and comes out", "[unit]") {
  auto const work = [](int, std::int64_t first, std::int64_t) {
    if (first == 5) throw std::runtime_error("five");
  };
  CHECK_THROWS_AS(in_parallel(1'000'000, 3, 1, work, [](std::int64_t) {}), std::runtime_error);
}
