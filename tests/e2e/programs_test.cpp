#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/support/folder.hpp"
#include "tests/support/program.hpp"

/// The programs as a person runs them, on a small data set that make-shapes writes.
namespace vcflash::test {
namespace {

namespace fs = std::filesystem;

/// A data set of a few clips and a model with random weights, in a folder of its own.
struct Workplace {
  TemporaryFolder folder;
  fs::path data = folder / "data", base = folder / "base";

  Workplace() {
    require({"make-shapes", "--out", data, "--clips", "40", "--held-out", "10"});
    require({"train-stage2_tiny", "--init-only", "--out", base, "--tokenizer", data / "tokenizer"});
  }

  static Outcome require(std::vector<std::string> const& command) {
    auto const outcome = run_program(command);
    INFO(outcome.output);
    REQUIRE(outcome.exit_code == 0);
    return outcome;
  }

  /// The command that trains stage 2 from the base model.
  std::vector<std::string> training(fs::path const& out,
                                    std::vector<std::string> const& settings) const {
    std::vector<std::string> command{
        "train-stage2_tiny", "--data", data / "stage2.yaml", "--out", out, "--init", base};
    for (auto const& setting : settings) {
      command.emplace_back("--set");
      command.push_back(setting);
    }
    return command;
  }
};

std::vector<nlohmann::json> lines_of(fs::path const& path) {
  std::vector<nlohmann::json> rows;
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

}  // namespace

TEST_CASE("a model passes through four stages and answers questions", "[e2e]") {
  Workplace const place;
  fs::path const out = place.folder.path();
  std::vector<std::string> const short_run{"--set", "train.max_steps=2"};
  auto const train = [&](std::string const& stage, fs::path const& from) {
    std::vector<std::string> command{"train-" + stage + "_tiny",
                                     "--data",
                                     place.data / (stage + ".yaml"),
                                     "--out",
                                     out / stage,
                                     "--init",
                                     from};
    command.insert(command.end(), short_run.begin(), short_run.end());
    Workplace::require(command);
    auto const metrics = lines_of(out / stage / "metrics.jsonl");
    REQUIRE(metrics.size() == 2);
    for (auto const& line : metrics) {
      CHECK((line.contains("step") && line.contains("loss") && line.contains("lr")));
    }
    CHECK(fs::exists(out / stage / "config.json"));
  };
  train("stage1", place.base);
  CHECK(fs::exists(out / "stage1/mm_projector.bin"));
  CHECK_FALSE(fs::exists(out / "stage1/model.safetensors"));
  train("stage2", out / "stage1");
  train("stage3", out / "stage2");
  train("stage4", out / "stage3");
  for (char const* file : {"model.safetensors", "tokenizer.json", "config.json"}) {
    CHECK(fs::exists(out / "stage4" / file));
  }
  Workplace::require({"eval-tiny", "--model", out / "stage4", "--benchmark", "shapes", "--data",
                      place.data / "shapes", "--out", out / "eval"});
  auto const results = nlohmann::json::parse(read_file(out / "eval/results.json"));
  CHECK(results.at("scores").size() > 0);
  CHECK(lines_of(out / "eval/answers.jsonl").size() > 0);
  Workplace::require({"chat-tiny", "--model", out / "stage4", "--video",
                      place.data / "shapes/clips/000000.mp4", "--ask", "what shape is it ?"});
}

TEST_CASE("a training that was killed goes on and ends with the same weights", "[e2e]") {
  Workplace const place;
  std::vector<std::string> const settings{"train.max_steps=8", "checkpoint.every_steps=2",
                                          "train.micro_batch=8", "train.global_batch=16"};
  fs::path const whole = place.folder / "whole", killed = place.folder / "killed";
  Workplace::require(place.training(whole, settings));

  // Killed at once after its first checkpoint, then started again by the same command.
  auto const command = place.training(killed, settings);
  auto const outcome = run_program(
      command, "( while [ ! -d '" + (killed / "checkpoint-2").string() +
                   "' ]; do sleep 0.02; done; pkill -9 -f -- '--out " + killed.string() + " ' ) &");
  CHECK(outcome.exit_code == 128 + 9);
  CHECK_FALSE(fs::exists(killed / "model.safetensors"));
  Workplace::require(command);
  CHECK(read_file(killed / "model.safetensors") == read_file(whole / "model.safetensors"));
  CHECK(lines_of(killed / "metrics.jsonl").size() == 8);
}

TEST_CASE("a training whose output nobody reads any more goes on to its end", "[e2e]") {
  Workplace const place;
  fs::path const out = place.folder / "out", code = place.folder / "code";
  auto const command =
      place.training(out, {"train.max_steps=30", "train.micro_batch=4", "train.global_batch=4"});
  run_command("{ " + shell_line(command) + " 2>&1; echo $? > '" + code.string() + "'; } | head -1");
  CHECK(read_file(code) == "0\n");
  CHECK(fs::exists(out / "model.safetensors"));
}

TEST_CASE("a training that is told to end saves, says that it is not done, and goes on later",
          "[e2e]") {
  Workplace const place;
  fs::path const out = place.folder / "out";
  auto const command = place.training(out, {"train.max_steps=400", "train.micro_batch=8",
                                            "train.global_batch=8", "checkpoint.every_steps=0"});
  auto const stopped =
      run_command(shell_line(command) + " & training=$!; while kill -0 $training && [ ! -s '" +
                  (out / "metrics.jsonl").string() +
                  "' ]; do sleep 0.02; done; kill -TERM $training; wait $training");
  INFO(stopped.output);
  CHECK(stopped.exit_code == 75);
  CHECK(stopped.output.find("the same command goes on from there") != std::string::npos);
  auto const training = nlohmann::json::parse(read_file(out / "training.json"));
  CHECK(training.at("interrupted") == true);
  CHECK(training.at("signal_to_checkpoint_seconds") > 0);
  CHECK_FALSE(fs::exists(out / "model.safetensors"));
  auto const steps = lines_of(out / "metrics.jsonl").size();
  auto const resumed = place.training(out, {"train.max_steps=" + std::to_string(steps + 1),
                                            "train.micro_batch=8", "train.global_batch=8"});
  CHECK(Workplace::require(resumed).output.find("goes on after step " + std::to_string(steps)) !=
        std::string::npos);
}

TEST_CASE("a training that is killed twenty times at random moments ends with the same weights",
          "[soak]") {
  Workplace const place;
  std::vector<std::string> const settings{"train.max_steps=300", "checkpoint.every_steps=3",
                                          "train.micro_batch=4", "train.global_batch=8"};
  fs::path const whole = place.folder / "whole", killed = place.folder / "killed";
  Workplace::require(place.training(whole, settings));
  auto const command = place.training(killed, settings);
  std::mt19937 random(1);
  std::uniform_real_distribution<> seconds(0.3, 3.0);
  for (int kill = 0; kill < 20; ++kill) {
    auto const moment = "timeout -s KILL " + std::to_string(seconds(random));
    CHECK(run_program(command, moment).exit_code == 128 + 9);
  }
  Workplace::require(command);
  CHECK(read_file(killed / "model.safetensors") == read_file(whole / "model.safetensors"));
  CHECK(lines_of(killed / "metrics.jsonl").size() == 300);
}

TEST_CASE("a broken video costs its sample, which is named, and not the run", "[e2e]") {
  Workplace const place;
  for (auto const& clip : fs::directory_iterator(place.data / "clips/4s")) {
    std::ofstream(clip.path(), std::ios::binary) << "this is no video";
    break;
  }
  fs::path const out = place.folder / "out";
  Workplace::require(
      place.training(out, {"train.max_steps=15", "train.micro_batch=16", "train.global_batch=16"}));
  auto const bad = lines_of(out / "bad_samples.jsonl");
  REQUIRE_FALSE(bad.empty());
  CHECK(bad.front().at("reason").get<std::string>().find(".mp4") != std::string::npos);
}

TEST_CASE("every program has a version", "[e2e]") {
  for (std::string const program :
       {"make-shapes", "inspect-data", "compare", "train-stage1_tiny", "eval-tiny", "chat-tiny"}) {
    CAPTURE(program);
    CHECK_FALSE(Workplace::require({program, "--version"}).output.empty());
  }
}

}  // namespace vcflash::test
