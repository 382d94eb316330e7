#include <vcflash/app/report/score_groups.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using namespace vcflash;

namespace {

std::vector<std::string> names(app::ScoreGroup const& group) {
  std::vector<std::string> all;
  for (auto const& line : group.lines) all.push_back(line.name);
  return all;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("tasks are named without what all begin with, in shares", "[unit]") {
  auto const groups = app::score_groups({.whole = 100,
                                         .groups = {{"by_task",
                                                     {{"mvbench_state_change", 100, 2},
                                                      {"mvbench_action_antonym", 25, 4},
                                                      {"mvbench_action_count", 75, 4}}}}});
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].title == "By task");
  CHECK(names(groups[0]) == Names{"state_change", "action_antonym", "action_count"});
  CHECK(groups[0].lines[2].share == 0.75);
  CHECK(groups[0].lines[2].questions == 4);
}

TEST_CASE("durations come first, short to long, named or in seconds", "[unit]") {
  auto const named = app::score_groups(
      {.groups = {{"by_sub_category", {{"Humanity & History", 1, 1}}},
                  {"by_duration", {{"long", 0.5, 2}, {"medium", 0, 0}, {"short", 1, 2}}}}});
  REQUIRE(named.size() == 2);
  CHECK(named[0].title == "By duration");
  CHECK(names(named[0]) == Names{"short", "long"});  // of nothing asked there is no bar
  CHECK(named[0].lines[1].share == 0.5);
  CHECK(named[1].title == "By sub category");
  auto const seconds = app::score_groups(
      {.groups = {{"by_duration", {{"3600", 0.25, 2}, {"15", 0.5, 2}, {"60", 1, 2}}}}});
  REQUIRE(seconds.size() == 1);
  CHECK(names(seconds[0]) == Names{"15 s", "60 s", "3600 s"});
}

TEST_CASE("one number alone has no groups, nor have questions that do not count", "[unit]") {
  CHECK(app::score_groups({.value = 0.5, .questions = 3}).empty());
  CHECK(app::score_groups({.controls = {{"control", {{"all", 0.5, 3}}}}}).empty());
}
