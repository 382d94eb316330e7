#include <vcflash/eval/video_mme_v2.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash::eval::video_mme_v2;

TEST_CASE("four questions that belong together are worth the square of the share that is right",
          "[unit]") {
  CHECK(group_score(false, Structure::chain, {false, true, false, false}) == 100.0 / 16);
  CHECK(group_score(false, Structure::chain, {true, true, false, true}) == 900.0 / 16);
  CHECK(group_score(false, Structure::chain, {true, true, true, true}) == 100);
}

TEST_CASE("questions that build on each other count up to the first wrong one", "[unit]") {
  CHECK(group_score(true, Structure::chain, {false, true, true, true}) == 0);
  CHECK(group_score(true, Structure::chain, {true, true, false, true}) == 25);
  CHECK(group_score(true, Structure::middle_pair, {true, false, true, true}) == 400.0 / 12);
  CHECK(group_score(true, Structure::first_pair, {false, true, true, true}) == 10);
  CHECK(group_score(true, Structure::first_pair, {true, true, true, true}) == 100);
}

TEST_CASE("a group is of its last question's level, and a question of its own", "[unit]") {
  std::vector<Place> const places{{.group = "v", .step = 4, .level = "3"},
                                  {.group = "v", .step = 1, .level = "1"}};
  auto const numbers = scores(places, {true, false});
  std::map<std::string, double> result(numbers.begin(), numbers.end());
  CHECK(result["level_3_score"] == 100.0 / 16);
  CHECK(result["level_1_score"] == 0);
  CHECK(result["level_3_acc"] == 100);
  CHECK(result["level_1_acc"] == 0);
  CHECK(result["overall_acc"] == 50);
  CHECK(result["logic_score"] == 0);
}
