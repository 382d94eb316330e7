#include <vcflash/eval/regrade.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using vcflash::test::read_file;
using vcflash::test::TemporaryFolder;

namespace {

std::string const rows = R"([
    {"video_name": "v", "question": "q", "options": ["a dog", "a cat"], "answer_id": "1"},
    {"video_name": "w", "question": "q", "options": ["a dog", "a cat"], "answer_id": "0"}])";

/// An evaluation of two questions that was graded by upstream's rule.
struct FinishedRun {
  FinishedRun() {
    folder.write("data/mc_question_val.json", rows);
    ExamOptions const options{.data = folder / "data"};
    auto const exam = open_exam("perceptiontest_val_mc", options);
    nlohmann::ordered_json about{{"model", "tiny"}};
    about["source"] = source_of("perceptiontest_val_mc", options);
    write_results(run(), *exam, Scoring::upstream, {{.text = "a cat"}, {.problem = "no video"}},
                  about);
  }
  std::filesystem::path run() const {
    std::filesystem::create_directories(folder / "run");
    return folder / "run";
  }
  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("answers that are graded again give the same files, byte for byte", "[unit]") {
  FinishedRun const finished;
  auto const results = read_file(finished.run() / "results.json");
  auto const answers = read_file(finished.run() / "answers.jsonl");
  auto const graded = regrade(finished.run(), {});
  CHECK(graded.changed == 0);
  CHECK(read_file(finished.run() / "results.json") == results);
  CHECK(read_file(finished.run() / "answers.jsonl") == answers);
}

TEST_CASE("answers are graded by another rule, and by rows that were mended", "[unit]") {
  FinishedRun const finished;
  auto const strict = regrade(finished.run(), {.scoring = Scoring::strict});
  CHECK(strict.changed == 1);
  CHECK(strict.before["scores"]["value"] == 0);
  auto const results = json::parse(read_file(finished.run() / "results.json"));
  CHECK(results["scores"]["value"] == 0.5);
  CHECK(results["scoring"] == "strict");
  CHECK(results["model"] == "tiny");
  CHECK(results["broken"].size() == 1);
  CHECK(regrade(finished.run(), {}).after["scoring"] == "strict");

  auto mended = json::parse(rows);
  mended[0]["answer_id"] = "0";
  finished.folder.write("other/mc_question_val.json", mended.dump());
  auto const again = regrade(finished.run(), {.data = finished.folder / "other"});
  CHECK(again.after["scores"]["value"] == 0);
  CHECK(again.after["source"]["data"] == (finished.folder / "other").string());
}

TEST_CASE("answers to other questions are not graded", "[unit]") {
  FinishedRun const finished;
  auto const refused = [&](std::string const& other, std::string const& say) {
    finished.folder.write("other/mc_question_val.json", other);
    CHECK_THROWS_WITH(regrade(finished.run(), {.data = finished.folder / "other"}),
                      ContainsSubstring(say));
  };
  auto others = json::parse(rows);
  others[1]["question"] = "another";
  refused(others.dump(), "question perceptiontest_val_mc/1 of");
  others.push_back(others[0]);
  others[1]["question"] = "q";
  refused(others.dump(), "has no answer in answers.jsonl");
  others.erase(2);
  others.erase(1);
  refused(others.dump(), "2 answers in answers.jsonl, and 1 questions");
}

TEST_CASE("a folder without an evaluation, or one that is broken, is refused by name", "[unit]") {
  TemporaryFolder const folder;
  auto const refused = [&](std::string const& say) {
    CHECK_THROWS_AS(regrade(folder.path(), {}), vcflash::InputError);
    CHECK_THROWS_WITH(regrade(folder.path(), {}), ContainsSubstring(say));
  };
  refused("no results.json");
  folder.write("results.json", R"({"benchmark": "shapes"})");
  refused("give --data");
  folder.write("results.json", R"({"benchmark": "shapes", "source": {"data": 3}})");
  refused("\"source\" in results.json");
  folder.write("results.json", R"({"benchmark": "shapes", "source": {"data": "d"}})");
  refused("answers.jsonl: is missing");
  folder.write("answers.jsonl", "{\"id\": 3}\n");
  refused("line 1 is no answer");
}

TEST_CASE("a file that is the benchmark is named with its whole path", "[unit]") {
  auto const source = source_of("mine.toml", {.data = "d", .limit = 3});
  CHECK(source["benchmark"] == (std::filesystem::current_path() / "mine.toml").string());
  CHECK(source["data"] == (std::filesystem::current_path() / "d").string());
  CHECK(source["media"] == "");
  CHECK(source["limit"] == 3);
}
