#include <vcflash/models/sample.hpp>

#include <catch2/catch_test_macros.hpp>

TEST_CASE("a sample starts as text without labels or media", "[unit]") {
  vcflash::Sample const sample;
  CHECK(sample.media.empty());
  CHECK_FALSE(sample.labels.defined());
}
