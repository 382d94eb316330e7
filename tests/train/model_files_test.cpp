#include <vcflash/checkpoint/trained_view.hpp>
#include <vcflash/train/model_files.hpp>

#include <catch2/catch_test_macros.hpp>

#include "tests/checkpoint/small_recipe.hpp"
#include "tests/support/folder.hpp"
#include "tests/text/golden_tokenizers.hpp"

using namespace vcflash;
using namespace vcflash::train;

namespace {

using Stage2 = test::SmallRecipe<VisualPretraining>;

struct Released : Stage2 {
  static constexpr Asking asking = as_released;
};

nlohmann::json json_in(std::filesystem::path const& file) {
  return nlohmann::json::parse(test::read_file(file));
}

}  // namespace

TEST_CASE("config.json names the base model, the type and the tokenizer's special ids", "[unit]") {
  test::TemporaryFolder const folder;
  auto const given = folder.write("given/tokenizer.json", test::small_tokenizer_json().dump());
  auto const tokenizer = text::Tokenizer::from_folder(given.parent_path());
  auto config = default_config<Stage2>();
  config.dtype = at::kBFloat16;
  Start start;
  start.weights = folder.write("base/generation_config.json", R"({"top_k": 20})").parent_path();
  auto const files = ModelFiles::of<Stage2>(config, start, &tokenizer);
  files.write_config(folder.path());
  auto const json = json_in(folder / "config.json");
  CHECK(json.at("torch_dtype") == "bfloat16");
  CHECK(json.at("_name_or_path") == start.name());
  CHECK(json.at("eos_token_id") == tokenizer.id_of("<|im_end|>").value());
  CHECK(json.at("hidden_size") == Stage2::Llm::hidden);

  files.write_company(folder.path());
  CHECK(json_in(folder / "generation_config.json").at("top_k") == 20);
  CHECK(std::filesystem::exists(folder / "tokenizer.json"));
}

TEST_CASE("the special ids are those of the LLM's family", "[unit]") {
  test::TemporaryFolder const folder;
  auto const tokenizer = test::family_tokenizer("llama_3");
  auto const config = default_config<Stage2>();
  Start const start;
  auto files = ModelFiles::of<Stage2>(config, start, &tokenizer);
  files.chat = ChatTemplate::llama_3;
  files.write_config(folder.path());
  auto const json = json_in(folder / "config.json");
  CHECK(json.at("bos_token_id") == tokenizer.id_of("<|begin_of_text|>").value());
  CHECK(json.at("eos_token_id") == tokenizer.id_of("<|eot_id|>").value());
}

TEST_CASE("a model without base and tokenizer has config.json alone", "[unit]") {
  test::TemporaryFolder const folder;
  auto const config = default_config<Stage2>();
  Start const start;
  auto const files = ModelFiles::of<Stage2>(config, start, nullptr);
  files.write_config(folder.path());
  files.write_company(folder.path());
  CHECK_FALSE(json_in(folder / "config.json").contains("eos_token_id"));
  CHECK_FALSE(std::filesystem::exists(folder / "generation_config.json"));
}

TEST_CASE("config.json says how a model that is asked as trained looked at videos", "[unit]") {
  test::TemporaryFolder const folder;
  auto config = default_config<Stage2>();
  config.recipe.min_frames = 2;
  config.time_message = false;
  Start const start;
  ModelFiles::of<Stage2>(config, start, nullptr).write_config(folder.path());
  auto const path = folder / "config.json";
  auto const view = checkpoint::trained_view(json_in(path), path);
  REQUIRE(view);
  CHECK(view->resolution == Stage2::Encoder::resolution);
  CHECK(view->min_frames == 2);
  CHECK(view->max_frames == config.recipe.max_frames);
  CHECK_FALSE(view->time_message);
}

TEST_CASE("config.json of a released model holds upstream's fields alone", "[unit]") {
  test::TemporaryFolder const folder;
  auto const base = folder.write("base/config.json", R"({"vcflash": 3})").parent_path();
  auto const config = default_config<Released>();
  Start start;
  start.weights = base;
  ModelFiles::of<Released>(config, start, nullptr).write_config(folder.path());
  CHECK_FALSE(json_in(folder / "config.json").contains(checkpoint::trained_view_field));
}
