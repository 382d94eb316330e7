#include <vcflash/app/report/score_groups.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using namespace vcflash;
using nlohmann::json;

namespace {

std::vector<std::string> names(app::ScoreGroup const& group) {
  std::vector<std::string> all;
  for (auto const& line : group.lines) all.push_back(line.name);
  return all;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("tasks are named without what all begin with, in shares", "[unit]") {
  auto const groups = app::score_groups(json::parse(R"({"value": 50.0, "questions": 8, "tasks": {
    "mvbench_action_antonym": {"value": 25.0, "questions": 4},
    "mvbench_action_count": {"value": 75.0, "questions": 4},
    "mvbench_state_change": {"value": 100.0, "questions": 2}}})"));
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].title == "By task");
  CHECK(names(groups[0]) == Names{"action_antonym", "action_count", "state_change"});
  CHECK(groups[0].lines[1].share == 0.75);
  CHECK(groups[0].lines[1].questions == 4);
}

TEST_CASE("durations come first, short to long, named or in seconds", "[unit]") {
  auto const named = app::score_groups(json::parse(R"({"value": 50.0,
    "by_category": {"Knowledge": {"correct": 1, "answered": 4}},
    "by_duration": {"long": {"correct": 1, "answered": 2}, "medium": {"correct": 0, "answered": 0},
                    "short": {"correct": 2, "answered": 2}},
    "by_sub_category": {"Humanity & History": {"correct": 1, "answered": 1}}})"));
  REQUIRE(named.size() == 3);
  CHECK(named[0].title == "By duration");
  CHECK(names(named[0]) == Names{"short", "long"});  // of nothing asked there is no bar
  CHECK(named[0].lines[1].share == 0.5);
  CHECK(named[2].title == "By sub category");

  auto const seconds = app::score_groups(json::parse(R"({"value": 0.5, "groups": {
    "15": {"num": 2, "acc": 0.5}, "3600": {"num": 2, "acc": 0.25}, "60": {"num": 2, "acc": 1.0},
    "S2E": {"num": 6, "acc": 0.6}}})"));
  REQUIRE(seconds.size() == 2);
  CHECK(names(seconds[0]) == Names{"15 s", "60 s", "3600 s"});
  CHECK(seconds[1].title == "By question category");
}

TEST_CASE("kinds begin with all of them, and recall is by overlap", "[unit]") {
  auto const kinds = app::score_groups(json::parse(R"({"accuracy": {"Zoo": 0.5, "all": 0.75},
    "questions": {"Zoo": 2, "all": 4}, "control": {"all": 0.2}})"));
  REQUIRE(kinds.size() == 1);
  CHECK(names(kinds[0]) == Names{"all", "Zoo"});
  auto const spans = app::score_groups(
      json::parse(R"({"value": 40.0, "mIoU": 40.0, "IOU 0.3": 60.0, "IOU 0.5": 40.0})"));
  REQUIRE(spans.size() == 1);
  CHECK(names(spans[0]) == Names{"IoU at least 0.3", "IoU at least 0.5"});
  CHECK(spans[0].lines[0].share == 0.6);
}

TEST_CASE("one number alone has no groups", "[unit]") {
  CHECK(app::score_groups({{"value", 0.5}, {"questions", 3}}).empty());
}
