#include <vcflash/data/retry.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/data/golden_mixtures.hpp"

using namespace vcflash;
using namespace vcflash::data;

TEST_CASE("a row that fails is replaced by upstream's rule", "[golden]") {
  auto const mixtures = test::golden_mixtures();
  for (auto const& expected : mixtures.at("retry")) {
    CAPTURE(expected.dump());
    auto const good = expected.at("good").get<std::vector<std::int64_t>>();
    auto const index = expected.at("i").get<std::int64_t>();
    bool const second_works = expected.at("fails_once_then_ok").get<bool>();
    std::vector<std::int64_t> attempts;
    std::int64_t pauses = 0;
    auto const works = [&](std::int64_t tried) {
      attempts.push_back(tried);
      bool const worked = second_works ? tried == index && attempts.size() > 1
                                       : std::find(good.begin(), good.end(), tried) != good.end();
      return worked ? Attempt::worked : Attempt::failed;
    };
    auto const row = first_working_row(index, expected.at("n"), works, [&] { ++pauses; });
    CHECK(attempts == expected.at("attempts").get<std::vector<std::int64_t>>());
    CHECK(pauses == expected.at("slept_s").get<std::int64_t>());
    CHECK(row.has_value() == !expected.contains("error"));
    if (row) CHECK(*row == expected.at("returned").get<std::int64_t>());
  }
}

TEST_CASE("a row that cannot work is tried once, and nobody waits for it", "[unit]") {
  std::vector<std::int64_t> attempts;
  auto const works = [&](std::int64_t tried) {
    attempts.push_back(tried);
    return tried == 15 ? Attempt::worked : Attempt::hopeless;
  };
  int pauses = 0;
  CHECK(first_working_row(5, 100, works, [&] { ++pauses; }) == 15);
  CHECK(attempts == std::vector<std::int64_t>{5, 10, 15});
  attempts.clear();
  CHECK_FALSE(first_working_row(5, 8, works, [&] { ++pauses; }));
  CHECK(attempts == std::vector<std::int64_t>{5, 7});
  CHECK(pauses == 0);
}

TEST_CASE("failures are counted among the last thousand samples", "[unit]") {
  RecentFailures recent;
  for (int i = 0; i < 50; ++i) recent.add(true);
  CHECK_FALSE(recent.exceed(0.05));
  recent.add(true);
  CHECK(recent.exceed(0.05));
  for (int i = 0; i < 949; ++i) recent.add(false);
  CHECK(recent.samples() == 1000);
  CHECK(recent.failures() == 51);
  recent.add(false);
  CHECK(recent.samples() == 1000);
  CHECK(recent.failures() == 50);
  CHECK_FALSE(recent.exceed(0.05));
  RecentFailures one;
  one.add(true);
  CHECK(one.exceed(0));
  CHECK_FALSE(RecentFailures().exceed(0));
}
