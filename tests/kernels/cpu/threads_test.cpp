#include <vcflash/kernels/cpu/threads.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <cstdint>
#include <vector>

using namespace vcflash::kernels;

TEST_CASE("every part of a range is given to a thread, once", "[unit]") {
  for (std::int64_t const count : {1, 5, 1000, 100'000}) {
    std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
    cpu::in_parallel(count, 7, [&](std::int64_t begin, std::int64_t end) {
      for (; begin < end; ++begin) ++visits[static_cast<std::size_t>(begin)];
    });
    for (auto const& visit : visits) REQUIRE(visit == 1);
  }
}
