#include <vcflash/checkpoint/folder.hpp>

#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/checkpoint/safetensors.hpp>
#include <vcflash/checkpoint/torch_file.hpp>

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "tests/checkpoint/small_recipe.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/program.hpp"

using namespace vcflash;
using namespace vcflash::checkpoint;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

using Model = test::Small<>;
using Network = Model::Network;
using TiedNetwork = test::Small<true>::Network;

Network made(std::uint64_t seed) {
  Network network;
  initialize_model<Model>(network, seed);
  return network;
}

NamedTensors tensors_of(std::filesystem::path const& folder) {
  NamedTensors tensors;
  for (auto const& [key, tensor] : read_weights(folder)) tensors.emplace_back(key, tensor);
  return tensors;
}

Weights from(test::TemporaryFolder const& folder) {
  return {.folder = folder.path(), .connector = {}, .encoder = {}};
}

template <class N>
bool same(N const& a, N const& b) {
  auto const left = named_parameters(a), right = named_parameters(b);
  return std::ranges::equal(left, right, [](auto const& x, auto const& y) {
    return x.first == y.first && x.second.equal(y.second);
  });
}

/// \return the file whose bytes are mapped at an address, else nothing
std::string file_at(void const* address) {
  auto const wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    int path = 0;
    if (std::sscanf(line.c_str(), "%zx-%zx %*s %*s %*s %*s %n", &begin, &end, &path) == 2 &&
        begin <= wanted && wanted < end) {
      return line.substr(static_cast<std::size_t>(path));
    }
  }
  return {};
}

}  // namespace

TEST_CASE("a model survives its folder", "[unit]") {
  test::TemporaryFolder const folder;
  auto const network = made(1);
  save_weights(named_parameters(network), folder.path());
  Network loaded;
  load_model(parameters_of_parts(loaded), from(folder), at::kFloat);
  CHECK(same(network, loaded));
}

TEST_CASE("Python reads the written weights, to the bit", "[unit]") {
  if (std::system("python3 -c 'import safetensors.torch' >/dev/null 2>&1") != 0) {
    SKIP(
        "python3 lacks the packages safetensors and torch; those of an environment are found "
        "if its bin is first in PATH");
  }
  std::string const read = R"(
import json, pathlib, sys
import torch
from safetensors.torch import load_file
folder = pathlib.Path(sys.argv[1])
places = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
tensors = {}
for file in set(places.values()):
    found = load_file(folder / file)
    assert set(found) == {key for key, place in places.items() if place == file}, file
    tensors |= found
for key, tensor in sorted(tensors.items()):
    data = bytes(tensor.contiguous().view(torch.uint8).flatten().tolist())
    print(key, str(tensor.dtype).removeprefix("torch."), list(tensor.shape), data.hex())
)";
  std::pair<at::ScalarType, char const*> const dtypes[] = {
      {at::kFloat, "float32"}, {at::kHalf, "float16"}, {at::kBFloat16, "bfloat16"}};
  for (auto const& [dtype, dtype_name] : dtypes) {
    test::TemporaryFolder const folder;
    auto network = made(1);
    convert_to(network, dtype);
    save_weights(named_parameters(network), folder.path(), 4096);  // in several files
    std::map<std::string, std::string> lines;
    for (auto const& [key, tensor] : named_parameters(network)) {
      std::span const bytes(static_cast<unsigned char const*>(tensor.const_data_ptr()),
                            tensor.nbytes());
      auto const shape = fmt::format("[{}]", fmt::join(tensor.sizes().vec(), ", "));
      lines[key] = fmt::format("{} {} {} {:02x}\n", key, dtype_name, shape, fmt::join(bytes, ""));
    }
    std::string expected;
    for (auto const& [key, line] : lines) expected += line;
    auto const outcome = test::run_command("python3 " + folder.write("read.py", read).string() +
                                           " " + folder.path().string());
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.output == expected);
  }
}

TEST_CASE("a mapped model is its file's bytes, and never writes to them", "[unit]") {
  test::TemporaryFolder const folder;
  auto const network = made(1);
  save_weights(named_parameters(network), folder.path());
  auto weights = from(folder);
  weights.storage = Storage::mapped;
  Network loaded, own;
  load_model(parameters_of_parts(loaded), weights, at::kFloat);
  load_model(parameters_of_parts(own), from(folder), at::kFloat);
  CHECK(same(network, loaded));

  auto const file = std::filesystem::canonical(folder / "model.safetensors").string();
  for (auto const& [key, tensor] : named_parameters(loaded)) {
    INFO(key);
    CHECK(file_at(tensor.const_data_ptr()) == file);
  }
  for (auto const& [key, tensor] : named_parameters(own)) {
    INFO(key);
    CHECK(file_at(tensor.const_data_ptr()) != file);
  }

  for (auto const& [key, tensor] : named_parameters(loaded)) tensor.detach().zero_();
  Network again;
  load_model(parameters_of_parts(again), from(folder), at::kFloat);
  CHECK(same(network, again));

  Network converted;  // only what has the wanted dtype can stay
  load_model(parameters_of_parts(converted), weights, at::kBFloat16);
  convert_to(again, at::kBFloat16);
  CHECK(same(again, converted));
}

TEST_CASE("weights that are no numbers are named when they are read", "[unit]") {
  test::TemporaryFolder const folder;
  auto const refused = [&](Storage storage, double value) {
    auto const network = made(1);
    network.llm.model.norm.weight.value.fill_(value);
    save_weights(named_parameters(network), folder.path());
    auto weights = from(folder);
    weights.storage = storage;
    Network loaded;
    CHECK_THROWS_MATCHES(load_model(parameters_of_parts(loaded), weights, at::kFloat), InputError,
                         MessageMatches(ContainsSubstring("1 with numbers that are not finite") &&
                                        ContainsSubstring("(model.norm.weight)")));
  };
  for (auto const storage : {Storage::own, Storage::mapped}) {
    refused(storage, NAN);
    refused(storage, -INFINITY);
  }
}

TEST_CASE("weights of another dtype become the model's", "[unit]") {
  test::TemporaryFolder const folder;
  auto network = made(1);
  convert_to(network, at::kBFloat16);
  save_weights(named_parameters(network), folder.path());
  Network loaded;
  load_model(parameters_of_parts(loaded), from(folder), at::kFloat);
  convert_to(network, at::kFloat);
  CHECK(same(network, loaded));
}

TEST_CASE("shards are read as their index says", "[unit]") {
  test::TemporaryFolder const folder;
  auto const network = made(1);
  NamedTensors shards[2];
  nlohmann::json map;
  std::size_t i = 0;
  for (auto const& tensor : named_parameters(network)) {
    auto const shard = i++ % 2;
    shards[shard].push_back(tensor);
    map[tensor.first] = shard == 0 ? "a.safetensors" : "b.safetensors";
  }
  write_safetensors(folder / "a.safetensors", shards[0]);
  write_safetensors(folder / "b.safetensors", shards[1]);
  write_json(folder / "model.safetensors.index.json", {{"weight_map", map}});
  Network loaded;
  load_model(parameters_of_parts(loaded), from(folder), at::kFloat);
  CHECK(same(network, loaded));

  SECTION("a key that no shard holds is named") {
    map["model.extra"] = "a.safetensors";
    write_json(folder / "model.safetensors.index.json", {{"weight_map", map}});
    CHECK_THROWS_MATCHES(read_weights(folder.path()), InputError,
                         MessageMatches(ContainsSubstring("lack 1 of its tensors: model.extra")));
  }
  SECTION("a missing shard is named") {
    std::filesystem::remove(folder / "b.safetensors");
    CHECK_THROWS_MATCHES(read_weights(folder.path()), InputError,
                         MessageMatches(ContainsSubstring("b.safetensors: cannot be opened")));
  }
  SECTION("an index may not lead out of its folder") {
    for (auto const* const name : {"../a.safetensors", "/etc/passwd", "..", "", "x/y"}) {
      map["lm_head.weight"] = name;
      write_json(folder / "model.safetensors.index.json", {{"weight_map", map}});
      CHECK_THROWS_MATCHES(read_weights(folder.path()), InputError,
                           MessageMatches(ContainsSubstring("no file of its folder")));
    }
  }
}

TEST_CASE("weights beyond a file's limit are written as shards and read back", "[unit]") {
  test::TemporaryFolder const folder;
  auto const network = made(1);
  save_weights(named_parameters(network), folder.path(), 8'000);
  CHECK_FALSE(std::filesystem::exists(folder / "model.safetensors"));
  auto const index = read_json(folder / "model.safetensors.index.json");
  std::set<std::string> files;
  for (auto const& [key, file] : index.at("weight_map").items()) {
    files.insert(file.get<std::string>());
  }
  CHECK(files.size() > 2);
  std::int64_t bytes = 0;
  for (auto const& [name, tensor] : named_parameters(network)) {
    bytes += static_cast<std::int64_t>(tensor.nbytes());
  }
  CHECK(index.at("metadata").at("total_size") == bytes);
  Network loaded;
  load_model(parameters_of_parts(loaded), from(folder), at::kFloat);
  CHECK(same(network, loaded));

  SECTION("a single file written over them is what is read afterwards") {
    auto const other = made(2);
    StagedFolder staged(folder.path(), StagedFolder::Place::inside);
    save_weights(named_parameters(other), staged.path());
    staged.commit_into(is_weights_file);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);
    load_model(parameters_of_parts(loaded), from(folder), at::kFloat);
    CHECK(same(other, loaded));
  }
}

TEST_CASE("missing, unexpected and mis-shaped keys are listed by name and number", "[unit]") {
  test::TemporaryFolder const folder;
  save_weights(named_parameters(made(1)), folder.path());
  auto tensors = tensors_of(folder.path());
  std::erase_if(tensors, [](auto const& t) { return t.first == "model.norm.weight"; });
  for (auto& [key, tensor] : tensors) {
    if (key == "lm_head.weight") tensor = at::zeros({40, 17});
  }
  tensors.emplace_back("model.layers.2.mlp.up_proj.weight", at::ones({3}));
  write_safetensors(folder / "model.safetensors", tensors);
  Network loaded;
  CHECK_THROWS_MATCHES(
      load_model(parameters_of_parts(loaded), from(folder), at::kFloat), InputError,
      MessageMatches(
          ContainsSubstring(folder.path().string()) &&
          ContainsSubstring("1 missing (model.norm.weight)") &&
          ContainsSubstring("1 of another shape (lm_head.weight is [40, 17], expected [40, 16])") &&
          ContainsSubstring("1 unexpected (model.layers.2.mlp.up_proj.weight)")));
}

TEST_CASE("keys that may be missing are left alone and told, others are not", "[unit]") {
  test::TemporaryFolder const folder;
  auto const saved = made(1), drawn = made(2);
  save_weights(named_parameters(saved), folder.path());
  auto tensors = tensors_of(folder.path());
  std::erase_if(tensors, [](auto const& t) {
    return t.first == "model.norm.weight" || t.first.starts_with("model.mm_projector.mlp.2.");
  });
  write_safetensors(folder / "model.safetensors", tensors);
  auto loaded = made(2);
  auto weights = from(folder);
  auto const load = [&] { return load_model(parameters_of_parts(loaded), weights, at::kFloat); };

  weights.allow_missing = {"model.mm_projector.*", "*.norm.weigh?", "nothing.*"};
  CHECK(load() == std::vector<std::string>{"model.mm_projector.mlp.2.weight",
                                           "model.mm_projector.mlp.2.bias", "model.norm.weight"});
  CHECK(loaded.llm.model.norm.weight.value.equal(drawn.llm.model.norm.weight.value));
  CHECK(same(loaded.encoder, saved.encoder));

  weights.allow_missing = {"model.mm_projector.*"};
  CHECK_THROWS_MATCHES(load(), InputError,
                       MessageMatches(ContainsSubstring("1 missing (model.norm.weight)")));
  weights.allow_missing = {"model.norm"};
  CHECK_THROWS_MATCHES(load(), InputError, MessageMatches(ContainsSubstring("3 missing")));
  weights.allow_missing = {"*"};
  tensors.emplace_back("model.extra", at::ones({1}));
  write_safetensors(folder / "model.safetensors", tensors);
  CHECK_THROWS_MATCHES(load(), InputError,
                       MessageMatches(ContainsSubstring("1 unexpected (model.extra)") &&
                                      !ContainsSubstring("missing")));
}

TEST_CASE("a connector's file may lack keys, too", "[unit]") {
  test::TemporaryFolder const folder;
  save_weights(named_parameters(made(1)), folder.path());
  auto connector = named_parameters(made(2).connector, "model.mm_projector.");
  connector.pop_back();
  save_connector(connector, folder.path());
  auto loaded = made(3);
  auto weights = from(folder);
  weights.connector = folder / "mm_projector.bin";
  weights.allow_missing = {"*mlp.2.bias"};
  CHECK(load_model(parameters_of_parts(loaded), weights, at::kFloat) ==
        std::vector<std::string>{"model.mm_projector.mlp.2.bias"});
  weights.allow_missing.clear();
  CHECK_THROWS_AS(load_model(parameters_of_parts(loaded), weights, at::kFloat), InputError);
}

TEST_CASE("what was left alone is one sentence", "[unit]") {
  CHECK(left_alone("base", {"a.weight"}) ==
        "base: 1 of the model's tensors is missing and starts as if untrained: a.weight.");
  CHECK(left_alone("base", {"a", "b"}) ==
        "base: 2 of the model's tensors are missing and start as if untrained: a, b.");
}

TEST_CASE("a folder without weights and a path that is no folder are refused", "[unit]") {
  test::TemporaryFolder const folder;
  CHECK_THROWS_MATCHES(read_weights(folder.path()), InputError,
                       MessageMatches(ContainsSubstring("has neither model.safetensors nor")));
  CHECK_THROWS_MATCHES(read_weights(folder / "none"), InputError,
                       MessageMatches(ContainsSubstring("none: is not a folder")));
}

TEST_CASE("a truncated checkpoint is refused", "[unit]") {
  test::TemporaryFolder const folder;
  save_weights(named_parameters(made(1)), folder.path());
  auto const bytes = test::read_file(folder / "model.safetensors");
  folder.write("model.safetensors", bytes.substr(0, bytes.size() - 5));
  Network loaded;
  CHECK_THROWS_MATCHES(load_model(parameters_of_parts(loaded), from(folder), at::kFloat),
                       InputError,
                       MessageMatches(ContainsSubstring("model.safetensors: is not a sound")));
}

TEST_CASE("stage 1's file takes the place of the folder's connector", "[unit]") {
  test::TemporaryFolder const folder;
  auto const base = made(1), trained = made(2);
  save_weights(named_parameters(base), folder.path());
  save_connector(named_parameters(trained.connector, "model.mm_projector."), folder.path());
  Network loaded;
  Weights const connected{
      .folder = folder.path(), .connector = folder / "mm_projector.bin", .encoder = {}};
  load_model(parameters_of_parts(loaded), connected, at::kFloat);
  CHECK(same(loaded.connector, trained.connector));
  CHECK(same(loaded.encoder, base.encoder));
  CHECK(same(loaded.llm, base.llm));
  CHECK(read_torch_file(folder / "mm_projector.bin")[0].first == "model.mm_projector.mlp.0.weight");
}

TEST_CASE("a connector of another width is refused by name", "[unit]") {
  test::TemporaryFolder const folder;
  save_weights(named_parameters(made(1)), folder.path());
  write_torch_file(folder / "mm_projector.bin", {{"mm_projector.mlp.0.weight", at::ones({2, 2})}});
  Network loaded;
  Weights const connected{
      .folder = folder.path(), .connector = folder / "mm_projector.bin", .encoder = {}};
  CHECK_THROWS_MATCHES(
      load_model(parameters_of_parts(loaded), connected, at::kFloat), InputError,
      MessageMatches(ContainsSubstring("mm_projector.bin: ") && ContainsSubstring("3 missing") &&
                     ContainsSubstring("model.mm_projector.mlp.0.weight is [2, 2]")));
}

TEST_CASE("a plain LLM's folder is completed by upstream's encoder file and a new connector",
          "[unit]") {
  test::TemporaryFolder const folder;
  auto const base = made(1);
  write_safetensors(folder / "model.safetensors", named_parameters(base.llm));
  NamedTensors raw{{"text_encoder.x", at::ones({2})}, {"encoder.pos_embed", at::ones({2})}};
  for (auto [key, tensor] : named_parameters(base.encoder.encoder, "encoder.")) {
    std::string const norm = "encoder.vision_layernorm";
    if (key.starts_with(norm)) key = "encoder.norm" + key.substr(norm.size());
    raw.emplace_back(key, tensor);
  }
  write_torch_file(folder / "encoder.pt", raw);

  auto network = made(2);
  auto const before = made(2);
  CHECK_THROWS_MATCHES(load_model(parameters_of_parts(network), from(folder), at::kFloat),
                       InputError,
                       MessageMatches(ContainsSubstring(" missing (model.vision_tower.")));
  Weights weights{.folder = folder.path(),
                  .connector = {},
                  .encoder = folder / "encoder.pt",
                  .fresh_connector = true};
  load_model(parameters_of_parts(network), weights, at::kFloat);
  CHECK(same(network.llm, base.llm));
  CHECK(same(network.connector, before.connector));
  CHECK(same(network.encoder, base.encoder));

  SECTION("an encoder file that lacks a tensor is refused, not passed over") {
    std::erase_if(raw, [](auto const& t) { return t.first == "encoder.norm.weight"; });
    write_torch_file(folder / "encoder.pt", raw);
    CHECK_THROWS_MATCHES(
        load_model(parameters_of_parts(network), weights, at::kFloat), InputError,
        MessageMatches(ContainsSubstring("encoder.pt: ") && ContainsSubstring("1 missing")));
  }
}

TEST_CASE("a tied model takes its table under either name, or under both if they agree", "[unit]") {
  test::TemporaryFolder const folder;
  TiedNetwork network;
  initialize_model<test::Small<true>>(network, 1);
  auto tensors = named_parameters(network);
  auto const table =
      std::ranges::find(tensors, "model.embed_tokens.weight", &NamedTensors::value_type::first);
  REQUIRE(table != tensors.end());
  auto const value = table->second;
  TiedNetwork loaded;
  SECTION("the head alone") {
    table->first = "lm_head.weight";
    write_safetensors(folder / "model.safetensors", tensors);
    load_model(parameters_of_parts(loaded), from(folder), at::kFloat);
    CHECK(same(network, loaded));
  }
  SECTION("both, equal") {
    tensors.emplace_back("lm_head.weight", value);
    write_safetensors(folder / "model.safetensors", tensors);
    load_model(parameters_of_parts(loaded), from(folder), at::kFloat);
    CHECK(same(network, loaded));
  }
  SECTION("both, different") {
    tensors.emplace_back("lm_head.weight", value + 1);
    write_safetensors(folder / "model.safetensors", tensors);
    CHECK_THROWS_MATCHES(load_model(parameters_of_parts(loaded), from(folder), at::kFloat),
                         InputError, MessageMatches(ContainsSubstring("differ")));
  }
}

TEST_CASE("JSON from strangers is an object or refused", "[unit]") {
  test::TemporaryFolder const folder;
  for (auto const& text :
       {std::string("[]"), std::string("{"), std::string(""),
        std::string("{\"a\":") + std::string(100000, '['), std::string("{\"a\":\"\xff\"}")}) {
    CHECK_THROWS_MATCHES(read_json(folder.write("config.json", text)), InputError,
                         MessageMatches(ContainsSubstring("config.json: is not a JSON object")));
  }
  CHECK(read_json(folder.write("config.json", "{\"a\": 1}")).at("a") == 1);
}
