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

TEST_CASE("a limit holds for each task", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  for (auto const* file : {"1_plotQA", "2_needle", "3_ego", "4_count", "5_order", "6_anomaly_reco",
                           "7_topic_reasoning"}) {
    auto rows = nlohmann::json::array();
    for (int i = 0; i < 3; ++i) {
      rows.push_back({{"video", "v.mp4"},
                      {"question", "q"},
                      {"candidates", {"yes", "no"}},
                      {"answer", "yes"}});
    }
    folder.write(std::string(file) + ".json", rows.dump());
  }
  auto const exam = open_exam("mlvu_mc", {.data = folder.path(), .limit = 2});
  REQUIRE(exam->size() == 14);
  CHECK(exam->id(1) == "mlvu_mc_plotqa/1");
  CHECK(exam->id(2) == "mlvu_mc_needle/0");
}
