#include <vcflash/app/train_program.hpp>

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/checkpoint/small_recipe.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash;

namespace {

/// A recipe that claims to have trained.
app::TrainProgram recipe() {
  auto network = checkpoint::network_fields<test::Small<>::Network>();
  network.llm.vocabulary = 512;
  return {.recipe = "mine",
          .stage = "VideoSft",
          .defaults = {},
          .model = {.parts = {{"llm", "small", 10, 2, true}}},
          .network = network,
          .stage_fields = {},
          .pixels = {.resolution = 32},
          .describe = [](Settings const& settings) { return settings.front().first + "\n"; },
          .draw = [](train::Start const&, train::RunConfig const&) { return NamedTensors{}; },
          .train =
              [](app::TrainingRun const& run, train::RunLoader& loader) {
                train::StepReport report;
                report.seconds = 4;
                report.data_seconds = 1;
                checkpoint::write_file(run.files.out / "config.toml", "");
                train::MetricsFile metrics(run.files.out / "metrics.jsonl", 0);
                for (report.step = 1; report.step <= run.config.recipe.max_steps; ++report.step) {
                  loader.next();
                  metrics.write(report);
                  run.callbacks.on_step(report);
                  report.data_seconds = 0;
                }
                train::RunSummary summary;
                summary.steps_done = summary.steps = 2;
                summary.loss_first = 3;
                return summary;
              }};
}

struct Outcome {
  int code;
  std::string err;
};

Outcome run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "train-mine");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  std::ostringstream err;
  auto* const before = std::cerr.rdbuf(err.rdbuf());
  int const code = app::run_train_program(recipe(), static_cast<int>(argv.size()), argv.data());
  std::cerr.rdbuf(before);
  return {code, err.str()};
}

}  // namespace

TEST_CASE("a training program leaves what was trained and what came of it", "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("rows.json", R"([{"id": 1, "conversations": [{"from": "human", "value": "a"},
                                 {"from": "gpt", "value": "b"}]}])");
  auto const mixture =
      folder.write("mix.yaml", "datasets:\n  - json_path: rows.json\n    sampling_strategy: all\n");
  test::golden_file("data/tokenizer/tiny512/tokenizer.json");
  auto const outcome = run({"--data", mixture.string(), "--out", (folder / "out").string(),
                            "--tokenizer", test::golden_folder("data/tokenizer/tiny512").string(),
                            "--set", "train.max_steps=2", "--set", "train.global_batch=1"});
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  std::ifstream file(folder / "out/training.json");
  auto const json = nlohmann::json::parse(file);
  CHECK(json.at("recipe") == "mine");
  CHECK(json.at("steps") == 2);
  CHECK(json.at("loss_first") == 3);
  CHECK(json.at("data_share") == 0.125);
  CHECK(json.at("data_share_after_first") == 0);
  CHECK(json.at("resolution") == 0);
  CHECK(json.at("parts").at(0).at("component") == "small");
  CHECK(std::filesystem::exists(folder / "out/report.html"));
}

TEST_CASE("a training program names what it lacks", "[unit]") {
  CHECK(run({"--out", "x", "--data", "none.yaml"}).code == 2);
  CHECK(run({"--data", "mix.yaml"}).err.find("--out is required") != std::string::npos);
  CHECK(run({"--describe", "--set", "train.sed=1"}).err.find("train.seed") != std::string::npos);
}
