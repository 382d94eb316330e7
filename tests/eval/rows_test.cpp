#include <vcflash/eval/rows.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include <vcflash/eval/benchmarks/charades.hpp>
#include <vcflash/eval/benchmarks/mlvu.hpp>
#include <vcflash/eval/benchmarks/perception_test.hpp>
#include <vcflash/eval/benchmarks/video_mme.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr auto row = R"({"video_name": "v", "question": "q", "options": ["a", "b"],
                         "answer_id": "1"})";

}  // namespace

TEST_CASE("rows are read from the folder or its json folder", "[unit]") {
  PerceptionTest benchmark;
  for (auto const* place : {"mc_question_val.json", "json/mc_question_val.json"}) {
    vcflash::test::TemporaryFolder const folder;
    folder.write(place, std::string("[") + row + "," + row + "]");
    benchmark.media.clear();
    auto const rows = benchmark.load(folder.path());
    REQUIRE(rows.size() == 2);
    CHECK(benchmark.id(rows[1]) == "perceptiontest_val_mc/1");
    CHECK(benchmark.medium(rows[1]).video == folder.path() / "videos/v.mp4");
    CHECK(benchmark.record(rows[1]).at("right") == "1");
    benchmark.media = "elsewhere";
    CHECK(benchmark.medium(benchmark.load(folder.path())[0]).video == "elsewhere/videos/v.mp4");
  }
}

TEST_CASE("rows that cannot be asked are named before the first answer", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  PerceptionTest const benchmark;
  auto const load = [&] { benchmark.load(folder.path()); };
  CHECK_THROWS_WITH(load(), ContainsSubstring("mc_question_val.json"));
  folder.write("mc_question_val.json", "[{");
  CHECK_THROWS_WITH(load(), ContainsSubstring("no JSON"));
  folder.write("mc_question_val.json", "{}");
  CHECK_THROWS_WITH(load(), ContainsSubstring("no array"));
  folder.write("mc_question_val.json", "[]");
  CHECK_THROWS_WITH(load(), ContainsSubstring("no questions"));
  folder.write("mc_question_val.json", std::string("[") + row + R"(, {"question": "q"}])");
  CHECK_THROWS_WITH(load(), ContainsSubstring("question 1"));
  folder.write("mc_question_val.json",
               R"([{"video_name": "v", "question": "q", "answer_id": "many"}])");
  CHECK_THROWS_AS(load(), vcflash::InputError);
}

TEST_CASE("a row's error names the file, the row, the field, what it holds and what is expected",
          "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  auto const says = [&](auto const& benchmark, std::string const& file, nlohmann::json const& row,
                        std::string const& sentence) {
    folder.write(file + ".json", nlohmann::json::array({row}).dump());
    CHECK_THROWS_WITH(benchmark.load(folder.path()),
                      ContainsSubstring(file + ".json: question 0: " + sentence));
  };
  nlohmann::json const videomme{
      {"videoID", "v"},        {"question_id", "1-1"},        {"duration", "short"},
      {"domain", "Knowledge"}, {"sub_category", "x"},         {"task_type", "y"},
      {"question", "q"},       {"options", {"A. a", "B. b"}}, {"answer", "A"}};
  folder.write("videomme.json", nlohmann::json::array({videomme}).dump());
  CHECK(VideoMme{}.load(folder.path()).size() == 1);
  auto row = videomme;
  row.erase("task_type");  // which is needed for the scores alone
  says(VideoMme{}, "videomme", row, "its \"task_type\" is missing; a text is expected.");
  row = videomme;
  row["options"] = "A. a";
  says(VideoMme{}, "videomme", row, "its \"options\" is \"A. a\"; a list of texts is expected.");
  says(VideoMme{}, "videomme", 5, "it is 5; an object is expected.");
  says(PerceptionTest{}, "mc_question_val",
       {{"video_name", 7}, {"question", "q"}, {"answer_id", 0}},
       "its \"video_name\" is 7; a text is expected.");
  says(Charades{}, "temporal_grounding_charades",
       {{"video", "v"}, {"caption", "c"}, {"timestamp", {1}}}, "its \"timestamp\" is [1]; a list");
}

TEST_CASE("a field of null is read as one that is not there", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  nlohmann::json row{
      {"video", "v"},     {"question", "q"}, {"candidates", {"a", "b"}}, {"answer", "a"},
      {"start", nullptr}, {"end", nullptr},  {"question_type", nullptr}};
  folder.write("1_plotQA.json", nlohmann::json::array({row}).dump());
  auto const rows = Mlvu{}.load(folder.path());
  CHECK_FALSE(Mlvu{}.medium(rows[0]).start);
  row["start"] = 1.5;
  folder.write("1_plotQA.json", nlohmann::json::array({row}).dump());
  CHECK_THROWS_WITH(Mlvu{}.load(folder.path()), ContainsSubstring("\"end\" is null; a number"));
  row = {{"video_name", "v"}, {"question", "q"}, {"options", nullptr}, {"answer_id", "1"}};
  folder.write("mc_question_val.json", nlohmann::json::array({row}).dump());
  CHECK(PerceptionTest{}.load(folder.path()).size() == 1);
}

TEST_CASE("a task of several without a file is left out and named, and so are odd rows", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  Mlvu benchmark;
  CHECK_THROWS_WITH(benchmark.load(folder.path()), ContainsSubstring("1_plotQA"));
  folder.write("json/2_needle.json", R"([
    {"video": "v", "question": "q", "candidates": ["a", "b"], "answer": "a"},
    {"video": "v", "question": "q", "candidates": ["a", "b"], "answer": "c"}])");
  benchmark.only_tasks = {"mlvu_mc_needle", "mlvu_mc_ego"};
  auto const rows = benchmark.load(folder.path());
  CHECK(rows.size() == 2);
  auto const notes = benchmark.notes(rows);
  REQUIRE(notes.size() == 2);
  CHECK_THAT(notes[0], ContainsSubstring("mlvu_mc_ego is left out") &&
                           ContainsSubstring("3_ego.json in " + folder.path().string()));
  CHECK_THAT(notes[1], ContainsSubstring("mlvu_mc_needle/1") && ContainsSubstring("\"c\""));
}

TEST_CASE("options are lettered line by line", "[unit]") {
  CHECK(lettered({"x", "y"}, "(", ") ") == "(A) x\n(B) y\n");
  CHECK(lettered({}, "(", ") ").empty());
}
