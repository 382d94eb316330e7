#include <vcflash/eval/exam.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include <vcflash/eval/benchmarks/long_video_bench.hpp>
#include <vcflash/eval/benchmarks/shapes.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;

namespace {

ExamOf<LongVideoBench> exam_of_two() {
  Row const row{.doc = {{"option0", "yes"},
                        {"option1", "no"},
                        {"option2", "N/A"},
                        {"option3", "N/A"},
                        {"option4", "N/A"},
                        {"correct_choice", 1},
                        {"video_path", "v.mp4"},
                        {"question_category", "S2E"},
                        {"duration_group", 15}}};
  Row second = row;
  second.doc_id = 1;
  return {LongVideoBench{}, {row, second}};
}

}  // namespace

TEST_CASE("white space around an answer is no part of it, and a broken question is wrong",
          "[unit]") {
  auto const exam = exam_of_two();
  CHECK(exam.graded(0, {.text = " (B)\n"}).text == "(B)");
  CHECK(exam.graded(0, {.text = " (B)\n"}).score == 1);
  auto const broken = exam.graded(0, {.text = "(B)", .problem = "no video"});
  CHECK(broken.score == 0);
  CHECK(broken.problem == "no video");
}

TEST_CASE("what only all answers decide is decided for all", "[unit]") {
  auto const exam = exam_of_two();
  auto const answers = exam.graded(std::vector<Said>{{.text = "?"}, {.problem = "broken"}});
  CHECK_FALSE(answers[0].parsed.empty());
  CHECK(answers[1].parsed.empty());
  auto const strict = exam.with_scoring(Scoring::strict);
  REQUIRE(strict);
  CHECK(strict->graded(std::vector<Said>{{.text = "?"}, {.text = "B"}})[0].parsed.empty());
}

TEST_CASE("a benchmark of one rule has no other, and none of its own has lmms-eval's layout",
          "[unit]") {
  ExamOf<Shapes> const exam({}, {Shapes::Question{.kind = "colour", .right = "A"}});
  CHECK(exam.name() == "shapes");
  CHECK_FALSE(exam.with_scoring(Scoring::strict));
  vcflash::test::TemporaryFolder const out;
  CHECK_THROWS_AS(exam.write_lmms(out.path(), {Answer{}}, {}), vcflash::InputError);
}
