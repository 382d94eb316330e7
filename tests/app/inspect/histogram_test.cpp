#include <vcflash/app/inspect/histogram.hpp>

#include <cstdint>

#include <catch2/catch_test_macros.hpp>

using vcflash::app::Histogram;

TEST_CASE("a histogram counts in bins that double, and knows sums and ends", "[unit]") {
  Histogram empty, one, other;
  CHECK(empty.least() == 0);
  CHECK(empty.mean() == 0);
  for (std::int64_t const value : {0, 1, 2, 3, 4, 7}) one.add(value);
  for (std::int64_t const value : {8, -5}) other.add(value);
  other.add(std::int64_t{1} << 50);
  one.merge(other);
  one.merge(empty);
  CHECK(one.count() == 9);
  CHECK(one.least() == 0);
  CHECK(one.most() == std::int64_t{1} << 50);
  CHECK(one.of_bin(0) == 2);
  CHECK(one.of_bin(2) == 2);
  CHECK(one.of_bin(3) == 2);
  CHECK(one.of_bin(Histogram::bins - 1) == 1);
  CHECK(Histogram::first_of(3) == 4);
  CHECK(Histogram::last_of(3) == 7);
  auto const json = one.to_json();
  CHECK(json.at("sum") == (std::int64_t{1} << 50) + 25);
  CHECK(json.at("bins").at(0).at("count") == 2);
}
