#include <vcflash/tensor/tensor.hpp>

#include <catch2/catch_test_macros.hpp>

TEST_CASE("a shape is written as a list", "[unit]") {
  CHECK(vcflash::to_string(std::vector<std::int64_t>{2, 784, 48}) == "[2, 784, 48]");
  CHECK(vcflash::to_string(std::vector<std::int64_t>{}) == "[]");
}
