#include <vcflash/base/process_memory.hpp>

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <vector>

using namespace vcflash;

TEST_CASE("memory that is used and given back shows in the peak and not in what is held",
          "[unit]") {
  auto const before = resident_memory_mib();
  CHECK(before > 0);
  {
    std::vector<char> block(std::size_t{256} << 20);
    std::memset(block.data(), 1, block.size());
    CHECK(resident_memory_mib() >= before + 200);
  }
  CHECK(peak_memory_mib() >= before + 200);
  CHECK(resident_memory_mib() < before + 200);
}
