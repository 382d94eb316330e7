#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include <vcflash/checkpoint/folder.hpp>

#include "tests/app/tiny_run.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using test::run_program;

TEST_CASE("a training program explains itself", "[e2e]") {
  auto const help = run_program({"train-stage2_tiny", "--help"});
  CHECK(help.exit_code == 0);
  CHECK_THAT(help.output, ContainsSubstring("train-stage2_tiny --data mix.yaml --out run1"));
  auto const version = run_program({"train-stage2_tiny", "--version"});
  CHECK(version.exit_code == 0);
  CHECK_THAT(version.output, ContainsSubstring("train-stage2_tiny (vcflash 0."));
}

TEST_CASE("a recipe is described with the settings that the run would have", "[e2e]") {
  auto const text = run_program({"train-stage1_tiny", "--describe", "--set", "train.seed=77"});
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.output, ContainsSubstring("stage1_tiny: "));
  CHECK_THAT(text.output, ContainsSubstring("4 frames, 64 patches -> 32 tokens"));
  CHECK_THAT(text.output, ContainsSubstring("33,024 trained"));
  std::istringstream lines(text.output);
  std::string name, value;
  for (std::string line; std::getline(lines, line) && name != "train.seed";) {
    std::istringstream(line) >> name >> value;
  }
  CHECK(value == "77");
}

TEST_CASE("a recipe is described to machines as to people", "[e2e]") {
  auto const outcome = run_program({"train-stage2_tiny", "--describe", "--json", "--set",
                                    "train.seed=77", "--set", "train.schedule=linear"});
  REQUIRE(outcome.exit_code == 0);
  auto const json = nlohmann::json::parse(outcome.output);
  CHECK(json.at("recipe") == "stage2_tiny");
  CHECK(json.at("zero") == 0);
  auto const& settings = json.at("settings");
  CHECK(settings.at("train.seed") == 77);
  CHECK(settings.at("train.schedule") == "linear");
  CHECK(settings.at("train.learning_rate") == 1.5e-3);
  CHECK(settings.at("train.encoder_learning_rate") == 1.1e-3);
  CHECK(settings.at("train.beta2") == 0.98);
  CHECK(settings.at("data.max_frames") == 8);
  auto const text = run_program({"train-stage2_tiny", "--describe"});
  for (auto const& [name, value] : settings.items())
    CHECK_THAT(text.output, ContainsSubstring(name));
  // At which rate upstream's encoders learned, where the recipe has another.
  auto const* const upstream = "--set train.encoder_learning_rate=0 trains as they did";
  CHECK_THAT(text.output, ContainsSubstring(upstream));
  auto const as_upstream =
      run_program({"train-stage2_tiny", "--describe", "--set", "train.encoder_learning_rate=0"});
  CHECK_THAT(as_upstream.output, !ContainsSubstring(upstream));
}

TEST_CASE("a step is planned without data and without weights", "[e2e]") {
  auto const plan = [](std::vector<std::string> const& more) {
    std::vector<std::string> command{"train-stage2_tiny_zero2", "--plan"};
    command.insert(command.end(), more.begin(), more.end());
    return run_program(command);
  };
  auto const text =
      plan({"--plan-frames", "4", "--plan-processes", "4", "--set", "train.micro_batch=8"});
  INFO(text.output);
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.output, ContainsSubstring("a step of one of 4 processes, ZeRO 2, float32") &&
                              ContainsSubstring("8 conversations of 4 frames") &&
                              ContainsSubstring("optimizer") && ContainsSubstring("recomputation"));
  auto const json = plan({"--json", "--set", "train.micro_batch=4", "--plan-text", "20"});
  REQUIRE(json.exit_code == 0);
  auto const told = nlohmann::json::parse(json.output);
  CHECK(told.at("recipe") == "stage2_tiny_zero2");
  CHECK(told.at("micro_batches") == 8);
  CHECK(told.at("micro_batch").at("frames") == 8);
  CHECK(told.at("micro_batch").at("text_tokens") == 20);
  auto const described =
      nlohmann::json::parse(run_program({"train-stage2_tiny", "--describe", "--json"}).output);
  CHECK(told.at("kept_bytes").at("weights").at("all") ==
        4 * described.at("parameters").get<std::int64_t>());
  CHECK(told.at("peak_bytes").at("all") > told.at("kept_bytes").at("all"));
  auto const refused = plan({"--plan-frames", "7"});
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.output, ContainsSubstring("clips have 4 frames"));
}

TEST_CASE("a model that lacks some tensors is taken up where that is allowed", "[e2e]") {
  test::TinyRun const run;
  auto const weights = run.folder / "base/model.safetensors";
  NamedTensors tensors;
  for (auto const& [key, tensor] : checkpoint::read_tensors(weights)) {
    if (!key.starts_with("model.mm_projector.")) tensors.emplace_back(key, tensor.clone());
  }
  checkpoint::write_tensors(weights, tensors);
  auto const refused = run.train(2, "out");
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.output, ContainsSubstring("4 missing (model.mm_projector.mlp.0.weight"));
  auto const allowed = run.train(2, "out", {"--allow-missing", "model.mm_projector.*"});
  INFO(allowed.output);
  CHECK(allowed.exit_code == 0);
  CHECK_THAT(allowed.output, ContainsSubstring("warning: ") &&
                                 ContainsSubstring("are missing and start as if untrained: "
                                                   "model.mm_projector.mlp.0."));

  for (std::string const program : {"chat-tiny", "eval-tiny"}) {
    std::vector<std::string> command{program, "--model", run.at("base"), "--allow-missing",
                                     "*.mm_projector.*"};
    auto const more =
        program == "chat-tiny"
            ? std::vector<std::string>{"--ask", "what colour is it ?"}
            : std::vector<std::string>{"--benchmark", "shapes",       "--data",  run.at("data"),
                                       "--out",       run.at("eval"), "--limit", "1"};
    command.insert(command.end(), more.begin(), more.end());
    auto const outcome = run_program(command);
    INFO(outcome.output);
    CHECK(outcome.exit_code == 0);
    CHECK_THAT(outcome.output, ContainsSubstring("are missing and start as if untrained"));
  }
}

TEST_CASE("wrong flags and wrong input end with 2 and say what is wrong", "[e2e]") {
  test::TemporaryFolder const folder;
  auto const refused = [](std::vector<std::string> command, std::string const& sentence) {
    command.insert(command.begin(), "train-stage1_tiny");
    auto const outcome = run_program(command);
    CAPTURE(outcome.output);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.output,
               ContainsSubstring("train-stage1_tiny: ") && ContainsSubstring(sentence));
    CHECK(std::ranges::count(outcome.output, '\n') == 1);
  };
  auto const out = (folder / "out").string();
  refused({}, "--out is required");
  refused({"--out", out}, "--data is required");
  refused({"--out", out, "--data", "none.yaml"}, "none.yaml");
  refused({"--out", out, "--dta", "x"}, "--help");
  refused({"--out", out, "--data", "none.yaml", "--device", "gpu"}, "gpu is no device");
  refused({"--out", out, "--describe", "--set", "train.sede=1"}, "train.seed");
  refused({"--describe", "--set", "train.seed=many"}, "train.seed");
  refused({"--describe", "--config", "none.toml"}, "none.toml");
  refused({"--describe", "--resume", "perhaps"}, "--resume");
  auto const mixture = folder.write("mix.yaml", "datasets:\n  - json_path: rows.json\n");
  refused({"--out", out, "--data", mixture.string()}, "--tokenizer");
  refused({"--out", out, "--init-only"}, "--tokenizer");
  CHECK_FALSE(std::filesystem::exists(out + "/metrics.jsonl"));
}

TEST_CASE("stage 1 leaves a connector, which stage 2 takes on top of the base model", "[e2e]") {
  test::TinyRun const run;
  auto const first = run.train(1, "stage1");
  INFO(first.output);
  REQUIRE(first.exit_code == 0);
  CHECK(std::filesystem::exists(run.at("stage1/mm_projector.bin")));
  CHECK(std::filesystem::exists(run.at("stage1/config.json")));
  CHECK_FALSE(std::filesystem::exists(run.at("stage1/model.safetensors")));
  auto const training = nlohmann::json::parse(test::read_file(run.at("stage1/training.json")));
  CHECK(training["steps"] == 3);
  CHECK(training["trained_parameters"] == 33024);
  CHECK(training["peak_memory_mib"] > 10);
  auto const metrics = test::read_file(run.at("stage1/metrics.jsonl"));
  CHECK(std::ranges::count(metrics, '\n') == 3);
  CHECK_THAT(test::read_file(run.at("stage1/report.html")), ContainsSubstring("stage1_tiny"));

  auto const second = run.train(2, "stage2", {"--connector", run.at("stage1/mm_projector.bin")});
  INFO(second.output);
  REQUIRE(second.exit_code == 0);
  for (auto const* name : {"model.safetensors", "config.json", "tokenizer.json", "config.toml"}) {
    CHECK(std::filesystem::exists(run.at(std::string("stage2/") + name)));
  }
}

TEST_CASE("the same command goes on where an earlier one ended", "[e2e]") {
  test::TinyRun const run;
  REQUIRE(run.train(2, "twice").exit_code == 0);
  auto const more = run.train(2, "twice", {"--set", "train.max_steps=3"});
  CHECK(more.exit_code == 0);
  auto const once = test::read_file(run.at("twice/metrics.jsonl"));
  CHECK(std::ranges::count(once, '\n') == 3);
  auto const again = run.train(2, "twice", {"--resume", "never"});
  CHECK(again.exit_code == 0);
  CHECK(std::ranges::count(test::read_file(run.at("twice/metrics.jsonl")), '\n') == 3);
}

TEST_CASE("a full disk ends a training with 1 and one sentence, and loses nothing", "[e2e]") {
  test::TinyRun const run;
  REQUIRE(run.train(2, "full").exit_code == 0);
  auto const before = test::read_file(run.at("full/model.safetensors"));
  // Files may not grow beyond 1 MiB; the weights take more than 4.
  auto const outcome = run_program(
      {"train-stage2_tiny", "--data", run.at("data/stage2.yaml"), "--out", run.at("full"), "--init",
       run.at("base"), "--set", "train.global_batch=4", "--set", "train.micro_batch=4", "--set",
       "train.max_steps=1", "--resume", "never"},
      "trap '' XFSZ; ulimit -f 1024;");
  CAPTURE(outcome.output);
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.output, ContainsSubstring("model.safetensors"));
  CHECK(test::read_file(run.at("full/model.safetensors")) == before);
}

TEST_CASE("a training that needs more memory than there is says how much a step takes", "[e2e]") {
  test::TinyRun const run;
  auto const outcome =
      run_program({"train-stage2_tiny", "--data", run.at("data/stage2.yaml"), "--out",
                   run.at("out"), "--init", run.at("base"), "--set", "train.global_batch=64",
                   "--set", "train.micro_batch=64", "--set", "train.max_steps=1"},
                  "ulimit -v 1000000;");
  CAPTURE(outcome.output);
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.output,
             ContainsSubstring("there is not enough memory: --plan predicts 0.8") &&
                 ContainsSubstring("GiB for a step with 64 conversations of 8 frames") &&
                 ContainsSubstring("a lower train.micro_batch (now 64)") &&
                 ContainsSubstring("train.gradient_checkpointing=true"));
}
