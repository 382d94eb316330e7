#include <vcflash/eval/scores.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a tally gives means in the order of what came first, and counts what was broken",
          "[unit]") {
  ScoreTally tally;
  tally.expect("none");
  tally.add("b", {.score = 1});
  tally.add("a", {.score = 0.5});
  tally.add("b", {.problem = "no video"});
  auto const group = tally.group("by_task", 100);
  CHECK(group == ScoreGroup{"by_task", {{"none", 0, 0, 0}, {"b", 50, 2, 1}, {"a", 50, 1, 0}}});
  CHECK(group.line("b").broken == 1);
  CHECK_THROWS_WITH(group.line("c"), ContainsSubstring("no score of c in by_task"));
  CHECK(mean_score({{.score = 1}, {.score = 0}}) == 0.5);
  CHECK(mean_score({}) == 0);
}

TEST_CASE("scores that were written are read again", "[unit]") {
  Scores const scores{.value = 50,
                      .whole = 100,
                      .questions = 4,
                      .spread = 3,
                      .chance = 25,
                      .groups = {{"by_task", {{"z", 25, 2, 1}, {"a", 75, 2, 0}}},
                                 {"by_duration", {{"long", 50, 4, 0}}}},
                      .controls = {{"control", {{"a", 20, 5, 0}}}},
                      .more = {{"logic_score", 12.5}}};
  auto const json = to_json(scores);
  CHECK(json["by_task"]["z"]["broken"] == 1);
  CHECK_FALSE(json["by_task"]["a"].contains("broken"));
  CHECK(scores_in(nlohmann::ordered_json::parse(json.dump())) == scores);
  CHECK(scores.group("control").line("a").questions == 5);
  CHECK_THROWS_AS(scores.group("by_level"), vcflash::Error);
  CHECK_THROWS_AS(scores_in({{"value", "high"}}), vcflash::InputError);
  CHECK_THROWS_AS(scores_in(nlohmann::ordered_json::array()), vcflash::InputError);
}
