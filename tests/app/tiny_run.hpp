#pragma once

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tests/support/folder.hpp"
#include "tests/support/program.hpp"

namespace vcflash::test {

/// Clips of the shapes task and a tiny model's folder of random weights, made by the programs.
class TinyRun {
 public:
  TinyRun() {
    auto const made = run_program(
        {"make-shapes", "--out", at("data"), "--seed", "3", "--clips", "16", "--held-out", "10"});
    INFO(made.output);
    REQUIRE(made.exit_code == 0);
    auto const base = run_program({"train-stage4_tiny", "--init-only", "--out", at("base"),
                                   "--tokenizer", at("data/tokenizer"), "--set", "train.seed=3"});
    INFO(base.output);
    REQUIRE(base.exit_code == 0);
  }

  std::string at(std::string const& name) const { return (folder / name).string(); }

  /// Stage 1 or 2 on the clips, a few conversations a step, with more arguments behind.
  Outcome train(int stage, std::string const& out,
                std::vector<std::string> const& more = {}) const {
    auto const number = std::to_string(stage);
    std::vector<std::string> command{"train-stage" + number + "_tiny",
                                     "--data",
                                     at("data/stage" + number + ".yaml"),
                                     "--out",
                                     at(out),
                                     "--init",
                                     at("base"),
                                     "--set",
                                     "train.global_batch=4",
                                     "--set",
                                     "train.micro_batch=4",
                                     "--set",
                                     "train.max_steps=3"};
    command.insert(command.end(), more.begin(), more.end());
    return run_program(command);
  }

  /// The command that asks a model the held-out questions.
  std::vector<std::string> evaluation(std::string const& model) const {
    return {"eval-tiny", "--model",      at(model), "--benchmark", "shapes",
            "--data",    at("data"),     "--out",   at("eval"),    "--min-frames",
            "8",         "--max-frames", "8"};
  }

  /// \param more arguments behind  \param prefix shell words before the program's
  Outcome evaluate(std::string const& model, std::vector<std::string> const& more = {},
                   std::string const& prefix = "") const {
    auto command = evaluation(model);
    command.insert(command.end(), more.begin(), more.end());
    return run_program(command, prefix);
  }

  TemporaryFolder folder;
};

}  // namespace vcflash::test
