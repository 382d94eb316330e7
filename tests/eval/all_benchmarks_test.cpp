#include <vcflash/eval/all_benchmarks.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("every benchmark is found by its name, and no other", "[unit]") {
  CHECK_THAT(benchmark_names(), ContainsSubstring("shapes") && ContainsSubstring("mvbench") &&
                                    ContainsSubstring("temporal_grounding_charades"));
  CHECK_THROWS_WITH(open_exam("riddles", {}),
                    ContainsSubstring("riddles") && ContainsSubstring("mvbench"));
}

TEST_CASE("an exam asks as many questions as it may, by the rule it is told", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  folder.write("mc_question_val.json", R"([
    {"video_name": "v", "question": "q", "options": ["a dog", "a cat"], "answer_id": "1"},
    {"video_name": "w", "question": "q", "options": ["a dog", "a cat"], "answer_id": "0"}])");
  ExamOptions options{.data = folder.path(), .media = "elsewhere"};
  auto const all = open_exam("perceptiontest_val_mc", options);
  CHECK(all->size() == 2);
  CHECK(all->medium(0).video == "elsewhere/videos/v.mp4");
  CHECK(all->graded(0, {.text = "a cat"}).score == 0);
  options.limit = 1;
  options.scoring = Scoring::strict;
  auto const one = open_exam("perceptiontest_val_mc", options);
  CHECK(one->size() == 1);
  CHECK(one->graded(0, {.text = "a cat"}).score == 1);
}
