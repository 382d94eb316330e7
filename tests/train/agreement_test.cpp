#include <vcflash/train/agreement.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>

#include <vcflash/base/error.hpp>

#include "tests/dist/as_ranks.hpp"

using namespace vcflash;
using namespace vcflash::train;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("ranks that were told different things are refused by rank and setting", "[unit]") {
  auto const told = [](Facts const& first, Facts const& third) {
    return test::as_ranks(3, 30s, [&](dist::ProcessGroup& group) {
      require_same_facts(group, group.rank() == 2 ? third : first);
    });
  };
  Facts const facts{{"recipe", "a"}, {"train.max_steps", "10"}, {"data.order", "\"grouped\""}};
  for (auto const& failure : told(facts, facts)) CHECK(failure == "");
  auto other = facts;
  other[1].second = "12";
  for (auto const& failure : told(facts, other)) {
    CHECK_THAT(failure, ContainsSubstring("rank 2 was started with train.max_steps=12, rank 0 with "
                                          "train.max_steps=10: all"));
  }
  other = facts;
  other[0].second = "bb";
  for (auto const& failure : told(facts, other)) {
    CHECK_THAT(failure, ContainsSubstring("rank 2 was started with recipe=bb, rank 0 with "
                                          "recipe=a: all"));
  }
}

TEST_CASE("a failure of one rank is every rank's, with its rank and sentence", "[unit]") {
  auto const failures = test::as_ranks(3, 30s, [](dist::ProcessGroup& group) {
    if (!failure_of_any(&group, "").empty()) fail("nothing failed");
    Agreement agreement(&group);
    auto const own = group.rank() == 1 ? "the disk is gone" : "";
    auto const all = agreement.after_step({false, group.rank() == 2, group.first(), own});
    if (all.asked || !all.busy || !all.due) fail("the states are wrong");
    auto const expected = group.rank() == 1 ? "the disk is gone" : "rank 1: the disk is gone";
    if (all.failure != expected) fail("was told: ", all.failure);
  });
  for (auto const& failure : failures) CHECK(failure == "");
}

TEST_CASE("ranks stop at the same micro batch, one after that in which one was asked", "[unit]") {
  auto const failures = test::as_ranks(2, 30s, [](dist::ProcessGroup& group) {
    Agreement agreement(&group);
    for (int i = 0; i < 3; ++i) {
      if (agreement.stop(i == 1 && group.rank() == 1) != (i == 2)) fail("wrong at ", i);
    }
    // Only rank 0's clock counts, and an answer that is on its way is taken.
    if (agreement.after_step({.due = !group.first()}).due) fail("due by another clock");
    if (!agreement.any_failed(group.first())) fail("a failure was lost");
  });
  for (auto const& failure : failures) CHECK(failure == "");
  Agreement alone(nullptr);
  CHECK(alone.stop(true));
  CHECK_FALSE(alone.stop(false));
}
