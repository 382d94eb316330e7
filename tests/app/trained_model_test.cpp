#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/app/tiny_run.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

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
