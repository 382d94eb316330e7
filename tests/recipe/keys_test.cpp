#include <vcflash/recipe/keys.hpp>

#include <vcflash/base/process_memory.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/checkpoint/safetensors_header.hpp>

#include <catch2/catch_test_macros.hpp>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "recipes/models/videochat_flash_qwen2_5_2b_res448.hpp"
#include "recipes/models/videochat_flash_qwen2_5_7b_1m_res224.hpp"
#include "recipes/models/videochat_flash_qwen2_5_7b_internvideo2_1b.hpp"
#include "recipes/models/videochat_flash_qwen2_7b_res224.hpp"
#include "recipes/models/videochat_flash_qwen2_7b_res448.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/golden_manifest.hpp"

using namespace vcflash;
using namespace recipes::models;

namespace {

/// A name without what separates its parts: `Qwen2.5-7B-1M` and `Qwen2_5_7B_1M` are one.
std::string letters_of(std::string_view name) {
  std::string letters;
  for (char const letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter))) letters += letter;
  }
  return letters;
}

/// What a model weighs and which of its tensors are one, as a manifest says it.
/// \param stored_twice whether files of it may hold a tied output layer, too
template <class Whole, LanguageModel L>
void check_facts(std::string const& name, bool stored_twice) {
  auto const facts = test::golden_json("manifests/manifests.json").at(name);
  using Names = std::vector<std::string>;
  constexpr bool tied = L::config.tied;
  std::int64_t const twice = tied && stored_twice ? 1 : 0;
  CHECK(facts.at("parameters") == parameter_count<Whole>);
  CHECK(facts.at("keys") == key_count<Whole> + twice);
  CHECK(facts.at("elements") == parameter_count<Whole> + twice * L::vocabulary * L::hidden);
  Names const head{"lm_head.weight"}, none;
  using Pairs = std::vector<Names>;
  Pairs const pairs{{"lm_head.weight", "model.embed_tokens.weight"}};
  CHECK(facts.at("tied") == (tied ? pairs : Pairs{}));
  CHECK(facts.at("optional_keys") == (twice ? head : none));
  CHECK(facts.value("absent_keys", none) == (tied && !stored_twice ? head : none));
}

/// The whole list, the counts of all parts, and the connector's own file.
template <Model M>
void check_released(std::string const& name, std::string const& connector_file) {
  CAPTURE(name);
  check_facts<typename M::Network, typename M::Llm>(name, true);
  auto const facts = test::golden_json("manifests/manifests.json").at(name);
  CHECK(facts.at("encoder") == M::Encoder::upstream_name());
  CHECK(letters_of(facts.at("llm").get<std::string>()) == letters_of(llm_name<M>()));
  test::check_published<typename M::Network>(name);
  CHECK(checkpoint_keys<M>() == test::golden_text("manifests/" + name + ".tsv"));

  auto const parts = test::golden_json("manifests/manifests.json").at(name).at("parts");
  CHECK(parts.at("encoder").get<std::int64_t>() == parameter_count<typename M::Encoder>);
  CHECK(parts.at("connector").get<std::int64_t>() == parameter_count<typename M::Connector>);
  CHECK(parts.at("llm").get<std::int64_t>() == parameter_count<typename M::Llm>);

  std::map<std::string, std::string> connector;
  for (auto const& [key, shape] : test::compiled_keys<typename M::Connector>()) {
    connector["model.mm_projector." + key] = shape;
  }
  CHECK(connector == test::published_keys(connector_file));
  auto const file = test::golden_json("manifests/manifests.json").at(connector_file);
  CHECK(file.at("keys") == key_count<typename M::Connector>);
  CHECK(file.at("elements") == parameter_count<typename M::Connector>);
}

}  // namespace

TEST_CASE("the released models have the published keys, types, shapes and counts", "[golden]") {
  check_released<videochat_flash_qwen2_7b_res224>("videochat-flash-qwen2-7b_res224",
                                                  "mm_projector.bin_1024-3584");
  check_released<videochat_flash_qwen2_7b_res448>("videochat-flash-qwen2-7b_res448",
                                                  "mm_projector.bin_1024-3584");
  check_released<videochat_flash_qwen2_5_7b_1m_res224>("videochat-flash-qwen2_5-7b-1m_res224",
                                                       "mm_projector.bin_1024-3584");
  check_released<videochat_flash_qwen2_5_2b_res448>("videochat-flash-qwen2_5-2b_res448",
                                                    "mm_projector.bin_1024-1536");
  check_released<videochat_flash_qwen2_5_7b_internvideo2_1b>(
      "videochat-flash-qwen2_5-7b_internvideo2-1b", "mm_projector.bin_1408-3584");
}

TEST_CASE("a 7B model in bf16 opens in under a second and is read as it is used", "[unit]") {
  using M = videochat_flash_qwen2_7b_res448;
  test::TemporaryFolder const folder;
  auto const file = folder / "model.safetensors";
  std::vector<checkpoint::SafetensorsEntry> entries;
  for (auto const& [key, shape] : keys_of<typename M::Network>()) {
    entries.push_back({key, "BF16", {shape.begin(), shape.end()}, 0, 0});
  }
  checkpoint::lay_out(entries);
  checkpoint::write_file(file, checkpoint::write_safetensors_header(entries, {}));
  auto const begin = std::filesystem::file_size(file);
  // The tensors are a hole in the file, but for the last one's last value, 1.
  std::filesystem::resize_file(file, begin + entries.back().end - 2);
  std::ofstream(file, std::ios::app | std::ios::binary) << std::string_view("\x80\x3f");

  typename M::Network network;
  checkpoint::Weights weights;
  weights.folder = folder.path();
  weights.storage = checkpoint::Storage::mapped;
  auto const before = resident_memory_mib();
  auto const start = std::chrono::steady_clock::now();
  checkpoint::load_model(checkpoint::parameters_of_parts(network), weights, at::kBFloat16);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
  CHECK(resident_memory_mib() - before < 64);

  for (auto const& [key, tensor] : named_parameters(network)) {
    if (key != entries.back().name) continue;
    auto const values = tensor.flatten();
    CHECK(values[0].item<float>() == 0);
    CHECK(values[-1].item<float>() == 1);
  }
}

TEST_CASE("the plain LLMs weigh what the manifests say, tied tables once", "[golden]") {
  check_facts<Qwen2_7B, Qwen2_7B>("qwen2-7b", false);
  check_facts<Qwen2_5_7B, Qwen2_5_7B>("qwen2_5-7b", false);
  check_facts<Qwen2_5_7B_1M, Qwen2_5_7B_1M>("qwen2_5-7b-1m", false);
  check_facts<Qwen2_5_1_5B, Qwen2_5_1_5B>("qwen2_5-1_5b", false);
  check_facts<Qwen2_5_0_5B, Qwen2_5_0_5B>("qwen2_5-0_5b", false);
}
