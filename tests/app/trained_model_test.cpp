#include <vcflash/app/trained_model.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/llms/qwen2.hpp>

#include <ATen/ops/zeros.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/app/tiny_run.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a model computes in the type of its weights unless told otherwise", "[unit]") {
  test::TemporaryFolder const folder;
  auto const written = [&](at::ScalarType dtype) {
    checkpoint::save_weights({{"w", at::zeros({2}, dtype)}}, folder.path());
    return app::dtype_for("auto", folder.path(), at::kCPU);
  };
  CHECK(written(at::kBFloat16) == "bfloat16");
  CHECK(written(at::kFloat) == "float32");
  CHECK(written(at::kHalf) == "float32");  // LibTorch is slow in it on CPUs
  CHECK(app::dtype_for("auto", folder.path(), at::Device(at::kCUDA, 0)) == "float16");
  CHECK(app::dtype_for("float16", folder.path(), at::kCPU) == "float16");
  CHECK(app::dtype_of("float16") == at::kHalf);
}

TEST_CASE("a folder that was trained at other pixels is refused with the program that fits it",
          "[e2e]") {
  test::TinyRun const run;
  auto const drawn = test::run_program({"train-stage1_tiny", "--init-only", "--out",
                                        run.at("small"), "--tokenizer", run.at("data/tokenizer")});
  REQUIRE(drawn.exit_code == 0);
  auto const outcome = run.evaluate("small");
  CHECK(outcome.exit_code == 2);
  CHECK_THAT(outcome.output, ContainsSubstring("32 pixels, but tiny has 48") &&
                                 ContainsSubstring("eval-tiny32 and chat-tiny32"));
  auto command = run.evaluation("small");
  command.front() = "eval-tiny32";
  CHECK(test::run_program(command).exit_code == 0);
}

TEST_CASE("a folder of another model is refused by the field that differs", "[e2e]") {
  test::TinyRun const run;
  auto config = nlohmann::json::parse(test::read_file(run.at("base/config.json")));
  config["num_hidden_layers"] = 5;
  run.folder.write("base/config.json", config.dump());
  auto const outcome = run.evaluate("base");
  CHECK(outcome.exit_code == 2);
  CHECK_THAT(outcome.output,
             ContainsSubstring("config.json") && ContainsSubstring("num_hidden_layers"));
}

TEST_CASE("weights that were cut off are refused by their file's name", "[e2e]") {
  test::TinyRun const run;
  auto const weights = test::read_file(run.at("base/model.safetensors"));
  run.folder.write("base/model.safetensors", weights.substr(0, weights.size() / 2));
  auto const outcome = run.evaluate("base");
  CHECK(outcome.exit_code == 2);
  CHECK_THAT(outcome.output, ContainsSubstring("model.safetensors"));
}

TEST_CASE("a tokenizer with more tokens than the model has rows is refused", "[e2e]") {
  test::TinyRun const run;
  auto tokenizer = nlohmann::json::parse(test::read_file(run.at("base/tokenizer.json")));
  tokenizer["added_tokens"].push_back({{"id", 600},
                                       {"content", "<|beyond|>"},
                                       {"single_word", false},
                                       {"lstrip", false},
                                       {"rstrip", false},
                                       {"normalized", false},
                                       {"special", true}});
  run.folder.write("base/tokenizer.json", tokenizer.dump());
  auto const outcome = run.evaluate("base");
  CHECK(outcome.exit_code == 2);
  CHECK_THAT(outcome.output, ContainsSubstring("512"));
}

TEST_CASE("an adapter that a training left is asked as it is, beside its base and merged",
          "[e2e]") {
  test::TinyRun const run;
  std::vector<std::string> const command{"train-sft_lora_tiny",
                                         "--data",
                                         run.at("data/stage2.yaml"),
                                         "--out",
                                         run.at("lora"),
                                         "--init",
                                         run.at("base"),
                                         "--set",
                                         "train.global_batch=4",
                                         "--set",
                                         "train.micro_batch=4",
                                         "--set",
                                         "train.max_steps=3",
                                         "--set",
                                         "train.learning_rate=0.05"};
  auto const described = test::run_program({"train-sft_lora_tiny", "--describe"});
  CHECK_THAT(described.output, ContainsSubstring("sft_lora_tiny: LoraSft"));
  auto const planned = test::run_program({"train-sft_lora_tiny", "--plan"});
  INFO(planned.output);
  CHECK(planned.exit_code == 0);
  auto const trained = test::run_program(command);
  INFO(trained.output);
  REQUIRE(trained.exit_code == 0);
  CHECK(std::filesystem::exists(run.folder / "lora/adapter_model.safetensors"));
  CHECK_FALSE(std::filesystem::exists(run.folder / "lora/model.safetensors"));

  auto const answers = [&](std::string const& model, std::vector<std::string> const& more = {}) {
    std::filesystem::remove_all(run.folder / "eval");
    auto const outcome = run.evaluate(model, more);
    INFO(outcome.output);
    REQUIRE(outcome.exit_code == 0);
    std::string all;
    std::istringstream lines(test::read_file(run.at("eval/answers.jsonl")));
    for (std::string line; std::getline(lines, line);) {
      all += nlohmann::json::parse(line).at("answer").get<std::string>() + "\n";
    }
    return all;
  };
  auto const own = answers("lora");
  CHECK(own != answers("base"));
  CHECK(own == answers("base", {"--adapter", run.at("lora")}));
  auto const merged =
      test::run_program({"merge-adapter", "--adapter", run.at("lora"), "--out", run.at("merged")});
  INFO(merged.output);
  REQUIRE(merged.exit_code == 0);
  CHECK(own == answers("merged"));
}

TEST_CASE("positions are stretched as config.json says, or as asked", "[unit]") {
  test::TemporaryFolder const folder;
  LlmFacts llm = Qwen2_0_5B::facts;
  CHECK(app::scaling_for(llm, "", folder.path()) == kernels::RotaryScaling{});
  CHECK(app::scaling_for(llm, "yarn:4", folder.path()) == kernels::yarn(4, 32768));
  folder.write("config.json", R"({"rope_scaling": {"type": "yarn", "factor": 2.0,
                                  "original_max_position_embeddings": 100}})");
  CHECK(app::scaling_for(llm, "", folder.path()) == kernels::yarn(2, 100));
  CHECK(app::scaling_for(llm, "none", folder.path()) == kernels::RotaryScaling{});
  llm.scaling = app::scaling_for(llm, "", folder.path());
  CHECK(llm.longest_input() == 32768);
  for (std::string const wrong : {"yarn", "yarn:", "yarn:0.5", "yarn:4x", "llama3:8"}) {
    CHECK_THROWS_AS(app::scaling_for(llm, wrong, folder.path()), InputError);
  }
}
