#include <vcflash/eval/benchmarks/shapes.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fstream>
#include <string>

#include "tests/support/folder.hpp"

using vcflash::eval::Answer;
using vcflash::eval::Shapes;
using Showing = Shapes::Showing;

namespace {

constexpr auto two_questions = R"([
  {"id": 0, "video": "clips/000003.mp4", "kind": "direction",
   "question": "where does it move ? left A up B right C down D",
   "options": ["left", "up", "right", "down"], "letter": "C", "answer": "right",
   "reversed_letter": "A", "control_video": "clips/000007.mp4"},
  {"id": 1, "video": "clips/000004.mp4", "kind": "colour",
   "question": "what colour is it ? red A blue B green C yellow D",
   "options": ["red", "blue", "green", "yellow"], "letter": "B", "answer": "blue",
   "reversed_letter": null, "control_video": "clips/000003.mp4"}])";

}  // namespace

TEST_CASE("every question is asked of its clip, of another, and backwards where time matters",
          "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  folder.write("shapes/questions.json", two_questions);
  auto const questions = Shapes{}.load(folder.path());
  REQUIRE(questions.size() == 5);
  CHECK(questions[0].showing == Showing::own);
  CHECK(questions[0].right == "C");
  CHECK(questions[1].showing == Showing::backwards);
  CHECK(questions[1].right == "A");
  CHECK(Shapes{}.medium(questions[1]).reversed);
  CHECK(questions[2].showing == Showing::other);
  CHECK(questions[2].video == folder.path() / "shapes/clips/000007.mp4");
  CHECK(questions[4].showing == Showing::other);
  CHECK(Shapes{}.load(folder.path() / "shapes").size() == 5);
}

TEST_CASE("only the letter of an answer is graded", "[unit]") {
  Shapes const shapes;
  Shapes::Question const question{.right = "B"};
  for (auto const* text : {" red B", "red B", "B", "A red B", " blue B\n"}) {
    CHECK(shapes.parse(question, text) == "B");
    CHECK(shapes.score(question, shapes.parse(question, text)) == 1);
  }
  for (auto const* text : {"", "red", " blue C", "b", "Blue", "E"}) {
    CHECK(shapes.score(question, shapes.parse(question, text)) == 0);
  }
}

TEST_CASE("scores come by kind and together, apart for each showing", "[unit]") {
  std::vector<Shapes::Question> const questions{{.showing = Showing::own, .kind = "colour"},
                                                {.showing = Showing::own, .kind = "count"},
                                                {.showing = Showing::own, .kind = "count"},
                                                {.showing = Showing::other, .kind = "count"},
                                                {.showing = Showing::backwards, .kind = "order"}};
  std::vector<Answer> const answers{
      {.score = 1}, {.score = 0}, {.score = 1}, {.score = 0}, {.score = 1}};
  auto const scores = Shapes{}.aggregate(questions, answers);
  CHECK(scores.value == 2. / 3);
  CHECK(scores.group("by_kind").line("colour").value == 1);
  CHECK(scores.group("by_kind").line("count").value == 0.5);
  CHECK(scores.group("by_kind").line("count").questions == 2);
  CHECK(scores.group("control").line("all").value == 0);
  CHECK(scores.group("reversed").line("order").value == 1);
}

TEST_CASE("questions that are missing or malformed are named", "[unit]") {
  using Catch::Matchers::ContainsSubstring;
  vcflash::test::TemporaryFolder const folder;
  CHECK_THROWS_WITH(Shapes{}.load(folder.path()), ContainsSubstring("make-shapes"));
  folder.write("questions.json", R"([{"id": 0}])");
  CHECK_THROWS_WITH(Shapes{}.load(folder.path()), ContainsSubstring("question 0"));
  folder.write("questions.json", "[]");
  CHECK_THROWS_WITH(Shapes{}.load(folder.path()), ContainsSubstring("no questions"));
  folder.write("questions.json", "[{");
  CHECK_THROWS_AS(Shapes{}.load(folder.path()), vcflash::InputError);
}
