#include <vcflash/tensor/out_of_memory.hpp>

#include <ATen/ops/empty.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <limits>
#include <new>
#include <stdexcept>

using namespace vcflash;

TEST_CASE("what says that memory is out is told from what does not", "[unit]") {
  CHECK(is_out_of_memory(std::bad_alloc()));
  CHECK_FALSE(is_out_of_memory(std::runtime_error("not enough memory")));
  try {
    at::empty({std::numeric_limits<std::int64_t>::max() / 8}, at::kFloat);
    FAIL("there is that much memory");
  } catch (std::exception const& error) {
    CHECK(is_out_of_memory(error));
  }
  try {
    at::empty({-1});
    FAIL("there are sizes below zero");
  } catch (std::exception const& error) {
    CHECK_FALSE(is_out_of_memory(error));
  }
}
