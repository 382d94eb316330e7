#include <signal.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/dist/free_port.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/program.hpp"
#include "tests/support/ranks.hpp"

/// Trainings on two processes of this machine, as a person starts them.
namespace vcflash::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::WithinRel;

class TwoProcesses {
 public:
  TwoProcesses() {
    require({"make-shapes", "--out", data, "--clips", "40", "--held-out", "10"});
    require({"train-stage2_tiny", "--init-only", "--out", base, "--tokenizer", data / "tokenizer"});
  }

  static void require(std::vector<std::string> const& command) {
    auto const outcome = run_program(command);
    INFO(outcome.output);
    REQUIRE(outcome.exit_code == 0);
  }

  std::vector<std::string> training(std::string const& recipe, fs::path const& out,
                                    std::vector<std::string> const& settings) const {
    std::vector<std::string> command{
        "train-" + recipe, "--data", data / "stage2.yaml", "--out", out, "--init", base};
    for (std::string const setting : {"train.micro_batch=4", "train.global_batch=16",
                                      "train.max_steps=6", "train.warmup_ratio=0.2"}) {
      command.insert(command.end(), {"--set", setting});
    }
    for (auto const& setting : settings) command.insert(command.end(), {"--set", setting});
    return command;
  }

  /// Starts both ranks of a training.
  static std::vector<std::unique_ptr<Rank>> start(std::vector<std::string> const& command) {
    auto const port = free_port();
    std::vector<std::unique_ptr<Rank>> ranks;
    for (int rank : {0, 1}) ranks.push_back(std::make_unique<Rank>(command, rank, 2, port));
    return ranks;
  }

  /// Trains on two processes to the end. \return what rank 0 wrote
  static std::string train(std::vector<std::string> const& command) {
    auto const ranks = start(command);
    std::string said;
    for (auto const& rank : ranks) {
      auto const outcome = rank->wait();
      INFO(outcome.output);
      REQUIRE(outcome.exit_code == 0);
      if (rank == ranks[0]) {
        said = outcome.output;
      } else {
        CHECK(outcome.output.empty());  // one speaks for all
      }
    }
    return said;
  }

  TemporaryFolder folder;
  fs::path data = folder / "data", base = folder / "base";
};

std::vector<nlohmann::json> metrics_of(fs::path const& out) {
  std::vector<nlohmann::json> rows;
  std::ifstream stream(out / "metrics.jsonl");
  for (std::string line; std::getline(stream, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

void check_same_curve(fs::path const& one, fs::path const& other, std::size_t steps) {
  auto const expected = metrics_of(one), found = metrics_of(other);
  REQUIRE(expected.size() == steps);
  REQUIRE(found.size() == steps);
  for (std::size_t i = 0; i < steps; ++i) {
    CAPTURE(i, found[i].dump(), expected[i].dump());
    for (char const* const number : {"loss", "grad_norm"}) {
      CHECK_THAT(found[i].at(number).get<double>(),
                 WithinRel(expected[i].at(number).get<double>(), 1e-5));
    }
    for (char const* const same : {"step", "lr", "samples", "tokens", "labels"}) {
      CHECK(found[i].at(same) == expected[i].at(same));
    }
  }
}

}  // namespace

TEST_CASE("two processes train as one does at every ZeRO stage, and go on as one or as two",
          "[e2e]") {
  TwoProcesses const place;
  std::vector<std::string> const whole{"checkpoint.every_steps=3", "checkpoint.keep=2"};
  // An epoch of 40 conversations ends amid a step.
  auto const one = place.folder / "one";
  TwoProcesses::require(place.training("stage2_tiny", one, whole));
  auto const drop_after_three = [](fs::path const& out) {
    fs::remove_all(out / "checkpoint-6");
    for (char const* const file : {"trainer_state.json", "model.safetensors"}) {
      fs::remove(out / file);
    }
  };
  for (std::string const recipe :
       {"stage2_tiny", "stage2_tiny_zero1", "stage2_tiny_zero2", "stage2_tiny_zero3"}) {
    CAPTURE(recipe);
    auto const two = place.folder / recipe;
    auto const command = place.training(recipe, two, whole);
    auto const said = TwoProcesses::train(command);
    CHECK_THAT(said, ContainsSubstring("6 steps"));
    check_same_curve(one, two, 6);
    CHECK(fs::file_size(two / "model.safetensors") == fs::file_size(one / "model.safetensors"));
    auto const whole_state = fs::file_size(one / "checkpoint-3/optimizer.safetensors");
    if (recipe == "stage2_tiny") {
      CHECK(fs::file_size(two / "checkpoint-3/optimizer.safetensors") == whole_state);
    } else {  // each process has written its half
      for (auto const* const half :
           {"optimizer-00001-of-00002.safetensors", "optimizer-00002-of-00002.safetensors"}) {
        auto const share = static_cast<double>(fs::file_size(two / "checkpoint-3" / half)) /
                           static_cast<double>(whole_state);
        CHECK(share > 0.45);
        CHECK(share < 0.55);
      }
    }

    // What two began, two go on with, and one goes on with.
    auto const weights = read_file(two / "model.safetensors");
    drop_after_three(two);
    CHECK_THAT(TwoProcesses::train(command), ContainsSubstring("goes on after step 3"));
    CHECK(read_file(two / "model.safetensors") == weights);
    drop_after_three(two);
    TwoProcesses::require(command);
    check_same_curve(one, two, 6);
  }
  // What one began, two go on with.
  auto const begun = place.folder / "begun";
  auto const command = place.training("stage2_tiny_zero2", begun, whole);
  TwoProcesses::require(command);
  drop_after_three(begun);
  TwoProcesses::train(command);
  check_same_curve(one, begun, 6);
}

TEST_CASE("a killed and a stopped rank end the other in time, named, and the run goes on",
          "[e2e]") {
  TwoProcesses const place;
  for (int const signal : {SIGKILL, SIGSTOP}) {
    for (std::size_t const victim : {1, 0}) {
      CAPTURE(signal, victim);
      auto const out = place.folder / ("out" + std::to_string(signal) + std::to_string(victim));
      auto const command =
          place.training("stage2_tiny_zero1", out,
                         {"dist.timeout=5", "train.max_steps=100000", "checkpoint.every_steps=5"});
      auto const ranks = TwoProcesses::start(command);
      for (int i = 0; i < 6000 && !fs::exists(out / "checkpoint-5"); ++i) {
        std::this_thread::sleep_for(10ms);
      }
      REQUIRE(fs::exists(out / "checkpoint-5"));
      auto const begin = std::chrono::steady_clock::now();
      ranks[victim]->signal(signal);
      auto const ended = ranks[1 - victim]->wait(20s);
      std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begin;
      INFO(ended.output);
      CHECK(took <= 5s);
      CHECK(ended.exit_code == 1);
      CHECK_THAT(ended.output,
                 ContainsSubstring("rank " + std::to_string(victim) + " of 2 " +
                                   (signal == SIGKILL ? "has ended" : "gives no sign of life")));
      CHECK_THAT(ended.output, ContainsSubstring(", in step "));
      ranks[victim]->signal(SIGKILL);
      ranks[victim]->wait();

      // The next start resumes.
      auto const before = metrics_of(out).size();
      auto shorter = command;
      shorter.insert(shorter.end(), {"--set", "train.max_steps=" + std::to_string(before + 3)});
      CHECK_THAT(TwoProcesses::train(shorter), ContainsSubstring("goes on after step"));
      CHECK(metrics_of(out).size() == before + 3);
    }
  }
}

TEST_CASE("a rank that never comes is named, and so is a number of processes that does not fit",
          "[e2e]") {
  TwoProcesses const place;
  auto const port = free_port();
  Rank first(place.training("stage2_tiny", place.folder / "out", {"dist.timeout=2"}), 0, 2, port);
  auto const alone = first.wait(20s);
  CHECK(alone.exit_code == 1);
  CHECK_THAT(alone.output,
             ContainsSubstring("rank 1 of 2 did not come to 127.0.0.1:" + std::to_string(port)));

  // Half of what a launcher says is no process alone.
  for (std::string const half : {"WORLD_SIZE=2", "RANK=0"}) {
    auto const outcome = run_program(place.training("stage2_tiny", place.folder / "out", {}),
                                     "export " + half + ";");
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.output, ContainsSubstring("the environment has " + half + " but no "));
  }

  Rank odd(place.training("stage2_tiny", place.folder / "out", {}), 0, 3, free_port());
  auto const refused = odd.wait(20s);
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.output, ContainsSubstring("each of 3 processes"));
}

TEST_CASE("two processes that are told to end save together and say that they are not done",
          "[e2e]") {
  TwoProcesses const place;
  auto const out = place.folder / "out";
  auto const ranks =
      TwoProcesses::start(place.training("stage2_tiny_zero2", out, {"train.max_steps=100000"}));
  for (int i = 0; i < 6000 && metrics_of(out).size() < 3; ++i) std::this_thread::sleep_for(10ms);
  ranks[1]->signal(SIGTERM);  // whichever hears it
  for (auto const& rank : ranks) {
    auto const outcome = rank->wait(60s);
    INFO(outcome.output);
    CHECK(outcome.exit_code == 75);
  }
  auto const steps = std::to_string(metrics_of(out).size());
  CHECK(fs::exists(out / ("checkpoint-" + steps) / "optimizer-00002-of-00002.safetensors"));
}

TEST_CASE("processes that were told different things are refused, each by rank and setting",
          "[e2e]") {
  TwoProcesses const place;
  auto const refused = [&](std::vector<std::string> const& second, int code,
                           std::string const& sentence) {
    auto const port = free_port();
    Rank one(place.training("stage2_tiny", place.folder / "out", {}), 0, 2, port);
    Rank other(second, 1, 2, port);
    for (auto* const rank : {&one, &other}) {
      auto const outcome = rank->wait(60s);
      INFO(outcome.output);
      CHECK(outcome.exit_code == code);
      CHECK_THAT(outcome.output, ContainsSubstring(sentence));
    }
  };
  refused(place.training("stage2_tiny", place.folder / "out", {"train.max_steps=2"}), 2,
          "rank 1 was started with train.max_steps=2, rank 0 with train.max_steps=6: all ranks");
  auto other = place.training("stage2_tiny", place.folder / "out", {});
  other[2] = place.data / "stage1.yaml";
  refused(other, 2, "rank 1 was started with ");
  fs::create_directory(place.folder / "elsewhere");
  refused(place.training("stage2_tiny", place.folder / "elsewhere", {}), 1,
          "cannot take checkpoints: ");
  CHECK_FALSE(fs::exists(place.folder / "out/metrics.jsonl"));
}

}  // namespace vcflash::test
