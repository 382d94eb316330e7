#include <vcflash/checkpoint/shards.hpp>
#include <vcflash/eval/sha256.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "recipes/models/videochat_flash_qwen2_5_2b_res448.hpp"
#include "recipes/models/videochat_flash_qwen2_5_7b_1m_res224.hpp"
#include "recipes/models/videochat_flash_qwen2_5_7b_internvideo2_1b.hpp"
#include "recipes/models/videochat_flash_qwen2_7b_res224.hpp"
#include "recipes/models/videochat_flash_qwen2_7b_res448.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash;
using namespace vcflash::checkpoint;

namespace {

SafetensorsEntry bytes_of(std::string name, std::int64_t bytes) {
  return {std::move(name), "U8", {bytes}, 0, 0};
}

/// A model's tensors in bf16, without a weight.
template <class Model>
std::vector<SafetensorsEntry> tensors_of() {
  std::vector<SafetensorsEntry> tensors;
  for (auto& [key, shape] : keys_of<Model>()) {
    tensors.push_back({key, "BF16", std::move(shape), 0, 0});
  }
  return tensors;
}

std::uint64_t file_bytes(Shard const& shard) {
  return write_safetensors_header(shard.entries, {{"format", "pt"}}).size() +
         shard.entries.back().end;
}

/// Compares the index byte for byte, and the sizes of all files.
void check_index(std::string const& name, std::vector<SafetensorsEntry> tensors) {
  CAPTURE(name);
  auto const facts = test::golden_json("manifests/manifests.json").at("index_files").at(name);
  auto const shards = shards_of(std::move(tensors), facts.at("shard_limit").get<std::uint64_t>());
  auto const index = shard_index(shards);
  CHECK(index == test::golden_text("manifests/indexes/" + name + ".index.json"));
  CHECK(eval::sha256(index) == facts.at("sha256"));
  CHECK(index.size() == facts.at("bytes"));
  CHECK(shards.size() == facts.at("shards"));
  std::vector<std::uint64_t> sizes;
  std::uint64_t total = 0;
  for (auto const& shard : shards) {
    sizes.push_back(file_bytes(shard));
    total += shard.entries.back().end;
  }
  CHECK(sizes == facts.at("shard_file_bytes").get<std::vector<std::uint64_t>>());
  CHECK(total == facts.at("total_size"));
}

/// Compares the size of a model's only file.
void check_single(nlohmann::json const& facts, std::vector<SafetensorsEntry> tensors) {
  auto const count = tensors.size();
  auto const shards = shards_of(std::move(tensors));
  REQUIRE(shards.size() == 1);
  CHECK(shards[0].file == "model.safetensors");
  CHECK(count == facts.at("tensors"));
  CHECK(shards[0].entries.back().end == facts.at("data_bytes"));
  CHECK(file_bytes(shards[0]) == facts.at("file_bytes"));
}

}  // namespace

TEST_CASE("the released models are cut into files where the published ones are", "[golden]") {
  using namespace recipes::models;
  check_index("videochat-flash-qwen2-7b_res224",
              tensors_of<videochat_flash_qwen2_7b_res224::Network>());
  check_index("videochat-flash-qwen2-7b_res448",
              tensors_of<videochat_flash_qwen2_7b_res448::Network>());
  check_index("videochat-flash-qwen2_5-7b-1m_res224",
              tensors_of<videochat_flash_qwen2_5_7b_1m_res224::Network>());
  check_index("videochat-flash-qwen2_5-7b_internvideo2-1b",
              tensors_of<videochat_flash_qwen2_5_7b_internvideo2_1b::Network>());
  check_index("qwen2-7b", tensors_of<Qwen2_7B>());
}

TEST_CASE("tensors of one part stay in the order in which they are given", "[golden]") {
  // Qwen2.5-7B was written from another order within a layer.
  constexpr std::array order{"input_layernorm", "self_attn",     "post_attention_layernorm",
                             "mlp.up_proj",     "mlp.gate_proj", "mlp.down_proj"};
  auto tensors = tensors_of<Qwen2_5_7B>();
  auto const layer_of = [](SafetensorsEntry const& tensor) {
    std::string const prefix = "model.layers.";
    return tensor.name.starts_with(prefix) ? std::stoi(tensor.name.substr(prefix.size())) : -1;
  };
  for (auto begin = tensors.begin(); begin != tensors.end();) {
    auto const layer = layer_of(*begin);
    auto const end =
        std::find_if(begin, tensors.end(), [&](auto const& t) { return layer_of(t) != layer; });
    if (layer >= 0) {
      std::stable_sort(begin, end, [&](auto const& a, auto const& b) {
        auto const place = [&](auto const& tensor) {
          return std::ranges::find_if(
              order, [&](auto const* part) { return tensor.name.find(part) != std::string::npos; });
        };
        return place(a) < place(b);
      });
    }
    begin = end;
  }
  check_index("qwen2_5-7b", tensors);
}

TEST_CASE("models of one file are as large as the published ones", "[golden]") {
  using Released = recipes::models::videochat_flash_qwen2_5_2b_res448;
  auto const facts = test::golden_json("manifests/manifests.json").at("single_files");
  check_single(facts.at("qwen2_5-1_5b").at("without_lm_head"), tensors_of<Qwen2_5_1_5B>());
  check_single(facts.at("qwen2_5-0_5b").at("without_lm_head"), tensors_of<Qwen2_5_0_5B>());
  auto const& released = facts.at("videochat-flash-qwen2_5-2b_res448");
  auto tensors = tensors_of<Released::Network>();
  check_single(released.at("without_lm_head"), tensors);
  tensors.push_back(
      {"lm_head.weight", "BF16", {Released::Llm::vocabulary, Released::Llm::hidden}, 0, 0});
  check_single(released.at("with_lm_head"), tensors);
}

TEST_CASE("a file takes what fits in it, and one tensor that exceeds the limit", "[unit]") {
  auto const files = [](std::vector<SafetensorsEntry> tensors) {
    std::vector<std::vector<std::string>> names;
    for (auto const& shard : shards_of(std::move(tensors), 10)) {
      auto& file = names.emplace_back(std::vector{shard.file});
      for (auto const& entry : shard.entries) file.push_back(entry.name);
    }
    return names;
  };
  using Names = std::vector<std::vector<std::string>>;
  CHECK(files({bytes_of("b", 4), bytes_of("a", 6)}) == Names{{"model.safetensors", "a", "b"}});
  CHECK(files({bytes_of("a", 4), bytes_of("b", 20), bytes_of("c", 7)}) ==
        Names{{"model-00001-of-00003.safetensors", "a"},
              {"model-00002-of-00003.safetensors", "b"},
              {"model-00003-of-00003.safetensors", "c"}});
  CHECK(files({bytes_of("model.vision_tower.x", 2), bytes_of("lm_head.weight", 1),
               bytes_of("model.mm_projector.x", 8), bytes_of("model.x", 8)}) ==
        Names{{"model-00001-of-00002.safetensors", "model.vision_tower.x", "model.x"},
              {"model-00002-of-00002.safetensors", "lm_head.weight", "model.mm_projector.x"}});
}

TEST_CASE("a model's weights are known by the names of their files", "[unit]") {
  for (auto const* const name :
       {"model.safetensors", "model.safetensors.index.json", "model-00001-of-00004.safetensors"}) {
    CHECK(is_weights_file(name));
  }
  for (auto const* const name : {"model-best.safetensors", "optimizer.safetensors", "config.json",
                                 "model-00001-of-00004.safetensors.bak", "model.bin"}) {
    CHECK_FALSE(is_weights_file(name));
  }
}
