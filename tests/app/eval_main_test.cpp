#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <vcflash/eval/share.hpp>

#include "tests/app/tiny_run.hpp"
#include "tests/support/ranks.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

namespace {

/// How many answers each journal of a run holds that holds some.
std::vector<std::size_t> answered(test::TinyRun const& run) {
  std::vector<std::size_t> counts;
  for (auto const& path : eval::journals(run.at("eval"))) {
    eval::JournalReader reader(path);
    reader.read();
    if (!reader.answers().empty()) counts.push_back(reader.answers().size());
  }
  return counts;
}

}  // namespace

TEST_CASE("an evaluation writes every answer, and the same ones again", "[e2e]") {
  test::TinyRun const run;
  auto const outcome = run.evaluate("base");
  INFO(outcome.output);
  REQUIRE(outcome.exit_code == 0);
  auto const results = nlohmann::json::parse(test::read_file(run.at("eval/results.json")));
  auto const answers = test::read_file(run.at("eval/answers.jsonl"));
  CHECK(std::ranges::count(answers, '\n') == results.at("asked").get<std::int64_t>());
  for (auto const* kind : {"all", "colour", "shape", "direction", "order", "count"}) {
    CHECK(results["scores"]["by_kind"].contains(kind));
    CHECK(results["scores"]["control"].contains(kind));
  }
  CHECK(results["scores"]["reversed"].contains("direction"));
  CHECK(results["broken"].empty());
  CHECK(results["dtype"] == "float32");  // as the folder's weights are
  CHECK(results["device"] == "cpu");
  CHECK(results["frames"]["group"] == 4);
  CHECK(results["prompt"]["question"] == "trained");
  CHECK(results["max_new_tokens"] > 0);
  CHECK((results.contains("vcflash") && results.contains("commit")));
  CHECK_THAT(outcome.output, ContainsSubstring("in float32 on cpu"));
  REQUIRE(run.evaluate("base").exit_code == 0);
  CHECK(test::read_file(run.at("eval/answers.jsonl")) == answers);
}

TEST_CASE("a broken video is named and counted as wrong, and the rest is asked", "[e2e]") {
  test::TinyRun const run;
  run.folder.write("data/shapes/clips/000002.mp4", "no video");
  auto const outcome = run.evaluate("base");
  CHECK(outcome.exit_code == 3);
  CHECK_THAT(outcome.output, ContainsSubstring("000002.mp4"));
  auto const results = nlohmann::json::parse(test::read_file(run.at("eval/results.json")));
  CHECK_FALSE(results["broken"].empty());
  CHECK(results["broken"].size() < results["asked"].get<std::size_t>());
  CHECK(results["broken_count"] == results["broken"].size());
}

TEST_CASE("videos that are not there are named before a model is loaded", "[e2e]") {
  test::TinyRun const run;
  for (auto const* name : {"000000.mp4", "000001.mp4", "000002.mp4"}) {
    std::filesystem::remove(run.at("data/shapes/clips/") + name);
  }
  run.folder.write("base/model.safetensors", "no weights");  // which are not looked at
  auto const outcome = run.evaluate("base", {"--dtype", "float32"});
  INFO(outcome.output);
  CHECK(outcome.exit_code == 2);
  CHECK_THAT(outcome.output, ContainsSubstring("have no video in " + run.at("data")) &&
                                 ContainsSubstring("clips/00000") &&
                                 ContainsSubstring("--max-broken 1"));
  CHECK_FALSE(std::filesystem::exists(run.at("eval")));
  // a share of them may be missing: then the weights are
  CHECK_THAT(run.evaluate("base", {"--dtype", "float32", "--max-broken", "1"}).output,
             ContainsSubstring("model.safetensors"));
}

TEST_CASE("a run that took a model's folder for its results is refused", "[e2e]") {
  test::TinyRun const run;
  auto const outcome =
      test::run_program({"eval-tiny", "--model", run.at("base"), "--benchmark", "shapes", "--data",
                         run.at("data"), "--out", run.at("base/../base/")});
  CHECK(outcome.exit_code == 2);
  CHECK_THAT(outcome.output, ContainsSubstring("is the model's folder"));
}

TEST_CASE("tasks of a benchmark are asked alone, and a share of their questions", "[e2e]") {
  test::TinyRun const run;
  auto rows = nlohmann::json::array();
  for (int i = 0; i < 4; ++i) {
    rows.push_back({{"video", "000000.mp4"},
                    {"question", "what colour is it ?"},
                    {"candidates", {"red", "blue"}},
                    {"answer", i == 0 ? "green" : "red"}});
  }
  run.folder.write("rows/object_shuffle.json", rows.dump());
  std::filesystem::create_directories(run.at("rows/perception/videos"));
  std::filesystem::copy_file(run.at("data/shapes/clips/000000.mp4"),
                             run.at("rows/perception/videos/000000.mp4"));
  auto const outcome = test::run_program(
      {"eval-tiny", "--model", run.at("base"), "--benchmark", "mvbench_object_*", "--data",
       run.at("rows"), "--out", run.at("eval"), "--min-frames", "8", "--max-frames", "8", "--limit",
       "0.5", "--scoring", "strict", "--layout", "lmms-eval"});
  INFO(outcome.output);
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.output, ContainsSubstring("mvbench_object_existence is left out") &&
                                 ContainsSubstring("\"green\" is none of its candidates"));
  auto const results = nlohmann::json::parse(test::read_file(run.at("eval/results.json")));
  CHECK(results["asked"] == 2);
  CHECK(results["scores"]["by_task"].size() == 1);
}

TEST_CASE("an evaluation that is killed, again and again, ends with the same files", "[e2e]") {
  test::TinyRun const run;
  REQUIRE(run.evaluate("base").exit_code == 0);
  auto const results = test::read_file(run.at("eval/results.json"));
  auto const answers = test::read_file(run.at("eval/answers.jsonl"));
  CHECK(nlohmann::json::parse(results).contains("interval"));
  std::filesystem::remove_all(run.at("eval"));

  std::size_t known = 0;
  int kills = 0;
  std::mt19937 random(Catch::getSeed());
  std::uniform_real_distribution<> later(0.02, 0.2);
  for (double seconds = 0.05;; seconds += later(random)) {  // at first before it has begun
    auto const outcome = run.evaluate("base", {}, fmt::format("timeout -s KILL {}", seconds));
    if (outcome.exit_code == 0) {
      if (known > 0) {
        CHECK_THAT(outcome.output, ContainsSubstring(fmt::format("shapes: {} of", known)));
      }
      break;
    }
    ++kills;
    INFO(outcome.output);
    REQUIRE(seconds < 60);
    CHECK(outcome.exit_code == 137);
    if (std::filesystem::exists(run.at("eval/results.json"))) {
      known = 0;  // it was killed when all was written, the journal perhaps removed
      continue;
    }
    auto const counts = answered(run);
    auto const now = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
    CHECK(now >= known);
    known = now;
  }
  CHECK(kills > 0);
  CHECK(test::read_file(run.at("eval/results.json")) == results);
  CHECK(test::read_file(run.at("eval/answers.jsonl")) == answers);
  CHECK(eval::journals(run.at("eval")).empty());
}

TEST_CASE("two processes share one evaluation and write what one would", "[e2e]") {
  test::TinyRun const run;
  REQUIRE(run.evaluate("base").exit_code == 0);
  auto const results = test::read_file(run.at("eval/results.json"));
  std::filesystem::remove_all(run.at("eval"));
  test::Outcome second{};
  std::jthread other(
      [&] { second = run.evaluate("base", {}, "OMP_NUM_THREADS=1 RANK=1 WORLD_SIZE=2"); });
  auto const first = run.evaluate("base", {}, "OMP_NUM_THREADS=1 RANK=0 WORLD_SIZE=2");
  other.join();
  INFO(first.output << second.output);
  CHECK(first.exit_code == 0);
  CHECK(second.exit_code == 0);
  CHECK(test::read_file(run.at("eval/results.json")) == results);
}

TEST_CASE("what a process leaves that dies is asked by the first", "[e2e]") {
  test::TinyRun const run;
  REQUIRE(run.evaluate("base").exit_code == 0);
  auto const results = test::read_file(run.at("eval/results.json"));
  std::filesystem::remove_all(run.at("eval"));
  auto const command = run.evaluation("base");
  test::Rank first(command, 0, 2, 0);
  {
    test::Rank const second(command, 1, 2, 0);
    while (answered(run).size() < 2) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }  // and is killed
  auto const outcome = first.wait(std::chrono::minutes(2));
  INFO(outcome.output);
  CHECK(outcome.exit_code == 0);
  CHECK(test::read_file(run.at("eval/results.json")) == results);
}

TEST_CASE("a copy of the model on another disk is the same model", "[e2e]") {
  test::TinyRun const run;
  std::filesystem::copy(run.at("base"), run.at("copy"));
  test::Outcome second{};
  std::jthread other(
      [&] { second = run.evaluate("copy", {}, "OMP_NUM_THREADS=1 RANK=1 WORLD_SIZE=2"); });
  auto const first = run.evaluate("base", {}, "OMP_NUM_THREADS=1 RANK=0 WORLD_SIZE=2");
  other.join();
  INFO(first.output << second.output);
  CHECK(first.exit_code == 0);
  CHECK(second.exit_code == 0);
  CHECK_THAT(first.output, !ContainsSubstring("no longer at work"));
}

TEST_CASE("answers of another model are not gone on with, unless they are dropped", "[e2e]") {
  test::TinyRun const run;
  nlohmann::json const header{{"run", "earlier"}, {"about", {{"model", "another"}}}};
  run.folder.write("eval/answers.journal-0.jsonl",
                   header.dump() + "\n{\"id\": \"0\", \"text\": \"red A\"}\n");
  auto const refused = run.evaluate("base");
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.output, ContainsSubstring("--fresh"));
  CHECK(run.evaluate("base", {"--fresh"}).exit_code == 0);
}

TEST_CASE("several benchmarks are asked in one run, each into its folder", "[e2e]") {
  test::TinyRun const run;
  run.folder.write("data/perceptiontest_val_mc/mc_question_val.json", R"([
    {"video_name": "none", "question": "what colour is it ?", "options": ["red", "blue"],
     "answer_id": "1"}])");
  auto const outcome = test::run_program(
      {"eval-tiny", "--model", run.at("base"), "--benchmark", "shapes,perceptiontest_val_mc",
       "--data", run.at("data"), "--out", run.at("eval"), "--min-frames", "8", "--max-frames", "8",
       "--limit", "4", "--scoring", "strict", "--max-broken", "1"});
  INFO(outcome.output);
  CHECK(outcome.exit_code == 3);
  CHECK(std::filesystem::exists(run.at("eval/shapes/results.json")));
  auto const results =
      nlohmann::json::parse(test::read_file(run.at("eval/perceptiontest_val_mc/results.json")));
  CHECK(results["scoring"] == "strict");
  CHECK(results["broken"][0]["id"] == "perceptiontest_val_mc/0");
  CHECK(results.contains("scores_upstream"));
}

TEST_CASE("a benchmark that is a file is asked, with its frames, and graded again", "[e2e]") {
  test::TinyRun const run;
  auto const toml = run.folder.write("mine.toml", R"(
[rows]
file = "mine.jsonl"
[columns]
video = "clips/{clip}.mp4"
question = "question"
options = "choices"
answer = "answer"
task = "kind"
[score]
lmms_eval = "videomme_v2"
[ask]
max_new_tokens = 4
min_frames = 4
max_frames = 4
)");
  std::string rows;
  for (int i = 0; i < 3; ++i) {
    rows += nlohmann::json{{"clip", i < 2 ? fmt::format("{:06}", i) : "none"},
                           {"question", "what colour is it ?"},
                           {"choices", {"red", "blue"}},
                           {"answer", "blue"},
                           {"kind", i == 0 ? "first" : "other"}}
                .dump() +
            "\n";
  }
  run.folder.write("data/mine.jsonl", rows);
  auto const outcome =
      test::run_program({"eval-tiny", "--model", run.at("base"), "--benchmark", toml.string(),
                         "--data", run.at("data"), "--media", run.at("data/shapes"), "--out",
                         run.at("eval"), "--max-broken", "0.5"});
  INFO(outcome.output);
  REQUIRE(outcome.exit_code == 3);
  auto const results = nlohmann::json::parse(test::read_file(run.at("eval/results.json")));
  CHECK(results["benchmark"] == "mine");
  CHECK(results["frames"]["most"] == 4);
  CHECK(results["asked"] == 3);
  CHECK(results["broken"].size() == 1);
  CHECK(results["scores"]["by_task"]["other"]["questions"] == 2);
  auto const answers = test::read_file(run.at("eval/answers.jsonl"));
  CHECK_THAT(test::read_file(run.at("eval/report.html")), ContainsSubstring("By task"));

  // a letter whatever the model would say
  auto const likeliest =
      test::run_program({"eval-tiny", "--model", run.at("base"), "--benchmark", toml.string(),
                         "--data", run.at("data"), "--media", run.at("data/shapes"), "--out",
                         run.at("likeliest"), "--max-broken", "0.5", "--choose", "likelihood"});
  INFO(likeliest.output);
  CHECK(likeliest.exit_code == 3);
  auto const chosen = test::read_file(run.at("likeliest/answers.jsonl"));
  auto const first = nlohmann::json::parse(chosen.substr(0, chosen.find('\n')));
  CHECK((first["answer"] == "A" || first["answer"] == "B"));
  CHECK(nlohmann::json::parse(test::read_file(run.at("likeliest/results.json")))["choose"] ==
        "likelihood");

  auto const again = test::run_program({"grade", run.at("eval")});
  INFO(again.output);
  CHECK(again.exit_code == 0);
  CHECK(test::read_file(run.at("eval/answers.jsonl")) == answers);
  CHECK(nlohmann::json::parse(test::read_file(run.at("eval/results.json"))) == results);
}

TEST_CASE("an evaluation is also written as lmms-eval writes it", "[e2e]") {
  test::TinyRun const run;
  run.folder.write("rows/mc_question_val.json", R"([
    {"video_name": "clip", "question": "what colour is it ?", "options": ["red", "blue"],
     "answer_id": "1"}])");
  std::filesystem::create_directories(run.at("rows/videos"));
  std::filesystem::copy_file(run.at("data/shapes/clips/000000.mp4"),
                             run.at("rows/videos/clip.mp4"));
  auto const outcome =
      test::run_program({"eval-tiny", "--model", run.at("base"), "--benchmark",
                         "perceptiontest_val_mc", "--data", run.at("rows"), "--out", run.at("eval"),
                         "--min-frames", "8", "--max-frames", "8", "--layout", "lmms-eval"});
  INFO(outcome.output);
  CHECK(outcome.exit_code == 0);
  std::size_t found = 0;
  for (auto const& entry : std::filesystem::directory_iterator(run.at("eval"))) {
    if (!entry.is_directory()) continue;
    ++found;
    auto const log =
        nlohmann::json::parse(test::read_file(entry.path() / "perceptiontest_val_mc.json"));
    CHECK(log["logs"].size() == 1);
    CHECK(nlohmann::json::parse(test::read_file(entry.path() / "results.json"))
              .contains("model_configs"));
  }
  CHECK(found == 1);
  std::filesystem::remove_all(run.at("eval"));
  CHECK(run.evaluate("base", {"--layout", "lmms-eval"}).exit_code == 2);
  CHECK_FALSE(std::filesystem::exists(run.at("eval")));  // nothing was asked
}

TEST_CASE("an evaluation of nothing it knows ends with 2", "[e2e]") {
  test::TinyRun const run;
  auto const unknown = run.evaluate("base", {"--benchmark", "riddles"});
  CHECK(unknown.exit_code == 2);
  CHECK_THAT(test::run_program({"eval-tiny", "--model", run.at("base"), "--benchmark", "riddles",
                                "--data", run.at("data"), "--out", run.at("eval")})
                 .output,
             ContainsSubstring("riddles") && ContainsSubstring("shapes"));
  CHECK(run.evaluate("data").exit_code == 2);
  CHECK(test::run_program({"eval-tiny"}).exit_code == 2);
  CHECK_FALSE(std::filesystem::exists(run.at("eval/results.json")));
}
