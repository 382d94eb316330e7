#include <vcflash/eval/all_benchmarks.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("every benchmark is found by its name, and no other", "[unit]") {
  CHECK_THAT(benchmark_names(), ContainsSubstring("shapes") && ContainsSubstring("mvbench") &&
                                    ContainsSubstring("temporal_grounding_charades"));
  for (auto const* name : {"egoschema_subset", "motionbench", "nextqa_mc", "tempcompass_mc",
                           "tvbench", "videomme_v2"}) {
    CHECK_THAT(benchmark_names(), ContainsSubstring(name));
    CHECK_THROWS_WITH(open_exam(name, {.data = "none"}),
                      ContainsSubstring("none: there is neither"));
  }
  CHECK_THROWS_WITH(open_exam("riddles.toml", {}), ContainsSubstring("no such file"));
  CHECK(short_name("mine/riddles.toml") == "riddles");
  CHECK(short_name("mvbench") == "mvbench");
  CHECK_THROWS_WITH(open_exam("mvbench_action_sequense", {}),
                    ContainsSubstring("the nearest is mvbench_action_sequence;"));
  CHECK_THROWS_WITH(open_exam("riddles", {}), ContainsSubstring("riddles") &&
                                                  ContainsSubstring("mvbench") &&
                                                  ContainsSubstring("niah_single"));
}

TEST_CASE("benchmarks, their tasks and patterns of both are selected by name", "[unit]") {
  auto const names = [](std::vector<std::string> const& asked) {
    std::vector<std::pair<std::string, std::size_t>> found;
    for (auto const& [benchmark, tasks] : selection_of(asked)) {
      found.emplace_back(benchmark, tasks.size());
    }
    return found;
  };
  using Found = std::vector<std::pair<std::string, std::size_t>>;
  CHECK(names({"mvbench", "shapes"}) == Found{{"mvbench", 0}, {"shapes", 0}});
  CHECK(names({"mvbench_action_sequence"}) == Found{{"mvbench", 1}});
  CHECK(names({"mvbench_*"}) == Found{{"mvbench", 20}});
  CHECK(names({"mvbench_object_*", "lvbench_cartoon", "mvbench_state_change"}) ==
        Found{{"mvbench", 4}, {"lvbench", 1}});
  CHECK(names({"mvbench_state_change", "mvbench"}) == Found{{"mvbench", 0}});
  CHECK(names({"videomme*"}) ==
        Found{{"videomme", 0}, {"videomme_w_subtitle", 0}, {"videomme_v2", 0}});
  CHECK(names({"niah_*"}) == Found{{"niah_single", 0}, {"niah_multi", 0}});
  CHECK(names({"riddles"}) == Found{{"riddles", 0}});
  // of a file the parts are known when it is read
  CHECK(names({"tvbench_action_*", "tvbench_scene_transition"}) == Found{{"tvbench", 2}});
  CHECK(names({"tempcompass_direction", "tempcompass_mc_speed"}) == Found{{"tempcompass_mc", 2}});
  CHECK(names({"a/mine.toml:colour", "a/mine.toml:s*"}) == Found{{"a/mine.toml", 2}});
  CHECK(names({"tempcompass_mc", "tempcompass_direction"}) == Found{{"tempcompass_mc", 0}});
}

TEST_CASE("parts of a benchmark that is a file are asked alone", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  auto const toml = folder.write("mine.toml", R"(
[rows]
file = "rows.jsonl"
[columns]
video = "video"
question = "question"
options = "options"
answer = "answer"
task = "kind"
groups = ["level"]
)");
  std::string rows;
  for (auto const* kind : {"Where To", "colour", "colour", "count"}) {
    rows += nlohmann::json{{"video", "v.mp4"},      {"question", "q"},
                           {"options", {"a", "b"}}, {"answer", "A"},
                           {"kind", kind},          {"level", kind[1] == 'o' ? "hard" : "easy"}}
                .dump() +
            "\n";
  }
  folder.write("rows.jsonl", rows);
  auto const ids = [&](std::vector<std::string> const& parts) {
    auto const exam = open_exam(toml.string(), {.data = folder.path(), .tasks = parts});
    std::vector<std::string> all;
    for (std::size_t i = 0; i < exam->size(); ++i) all.push_back(exam->id(i));
    return all;
  };
  using Ids = std::vector<std::string>;
  auto const all = ids({});
  REQUIRE(all.size() == 4);
  CHECK(ids({"colour"}) == Ids{all[1], all[2]});  // by the names that they have in the whole
  CHECK(ids({"co*"}) == Ids{all[1], all[2], all[3]});
  CHECK(ids({"where_to", "count"}) == Ids{all[0], all[3]});
  CHECK(ids({"easy"}) == Ids{all[0]});
  CHECK_THROWS_WITH(ids({"color"}), ContainsSubstring("has no part \"color\"") &&
                                        ContainsSubstring("colour, count, easy, hard, where_to") &&
                                        ContainsSubstring("the nearest is colour"));
}

TEST_CASE("two questions of one name are refused", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  nlohmann::json const row{{"id", 3},
                           {"video", "v.mp4"},
                           {"kind", "colour"},
                           {"question", "q"},
                           {"options", {"a", "b"}},
                           {"letter", "A"},
                           {"reversed_letter", nullptr},
                           {"control_video", "w.mp4"}};
  folder.write("questions.json", nlohmann::json::array({row, row}).dump());
  CHECK_THROWS_WITH(open_exam("shapes", {.data = folder.path()}),
                    ContainsSubstring("two questions have the name \"3\""));
}

TEST_CASE("a benchmark may say how many frames it wants", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  folder.write("lvbench_clean_cartoon.json",
               nlohmann::json::array({{{"video", "v"},
                                       {"question", "q"},
                                       {"candidates", {"(A) a", "(B) b"}},
                                       {"answer", "(A) a"}}})
                   .dump());
  auto const exam = open_exam("lvbench", {.data = folder.path(), .tasks = {"lvbench_cartoon"}});
  CHECK(exam->frames().most == 640);
  CHECK(exam->notes().empty());
  CHECK(open_exam("lvbench", {.data = folder.path()})->notes().size() == 5);
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
  CHECK(open_exam("mlvu_mc", {.data = folder.path(), .limit = 0.5})->size() == 14);  // 2 of 3
  CHECK(open_exam("mlvu_mc", {.data = folder.path(), .limit = 0.1})->size() == 7);
  auto const part = open_exam("mlvu_mc", {.data = folder.path(), .tasks = {"mlvu_mc_ego"}});
  CHECK(part->size() == 3);
  CHECK(part->id(0) == "mlvu_mc_ego/0");
}

TEST_CASE("a limit is a number of questions, or below 1 a share", "[unit]") {
  CHECK(limited(200, 0) == 200);
  CHECK(limited(200, 0.1) == 20);
  CHECK(limited(201, 0.1) == 21);
  CHECK(limited(200, 1) == 1);
  CHECK(limited(200, 500) == 200);
}

namespace {

/// One row of every file that upstream ships, its fields and types as there, its words our own.
nlohmann::ordered_json upstream_rows() {
  return nlohmann::ordered_json::parse(
      vcflash::test::read_file(vcflash::test::source_root() / "tests/eval/upstream_rows.json"));
}

}  // namespace

TEST_CASE("one row of every question file that upstream ships is asked, graded and recorded",
          "[unit]") {
  std::map<std::string, std::size_t> questions;
  for (bool const table : {false, true}) {
    vcflash::test::TemporaryFolder const folder;
    auto rows = upstream_rows();
    auto const of_table = rows["lvb_val, from the table"];
    rows.erase("lvb_val, from the table");
    if (table) rows["lvb_val"] = of_table;
    for (auto const& [file, row] : rows.items()) {
      folder.write("json/" + file + ".json", nlohmann::ordered_json::array({row}).dump());
    }
    folder.write("subtitles/Zz9_x-Yy8Ww_en.json",
                 R"([{"timestamp": [1.0, 5.0], "text": "there it lies"}])");
    folder.write("subtitle/Zz9_x-Yy8Ww.srt",
                 R"(<font color="white" size=".72c">there it lies</font>)");
    for (auto const* name :
         {"mvbench", "mlvu_mc", "lvbench", "videomme", "videomme_w_subtitle",
          "longvideobench_val_v", "perceptiontest_val_mc", "temporal_grounding_charades"}) {
      INFO(name);
      auto const exam = open_exam(name, {.data = folder.path()});
      questions[name] = exam->size();
      CHECK(exam->notes().empty());
      std::vector<Said> said;
      for (std::size_t i = 0; i < exam->size(); ++i) {
        INFO(exam->id(i));
        auto const right = exam->record(i).at("right");
        CHECK_FALSE(exam->prompt(i).empty());
        // upstream's letter is found by the record's text, number or letter
        std::string answer = right.is_string() ? right.get<std::string>() : right.dump();
        if (exam->name() == "longvideobench_val_v") answer = "(C)";
        if (exam->name() == "perceptiontest_val_mc") answer = "(B)";
        if (exam->name() == "temporal_grounding_charades") answer = "from 3.5 to 9.0 seconds";
        auto const strict = exam->with_scoring(Scoring::strict);
        CHECK(strict->graded(i, {.text = answer}).score == 1);
        said.push_back({.text = answer});
      }
      CHECK(exam->aggregate(exam->graded(said)).questions > 0);
      vcflash::test::TemporaryFolder const out;
      CHECK(std::filesystem::exists(exam->write_lmms(out.path(), exam->graded(said), {}) /
                                    "results.json"));
    }
  }
  CHECK(questions["mvbench"] == 20);
  CHECK(questions["mlvu_mc"] == 7);
  CHECK(questions["lvbench"] == 6);
}
