#include <vcflash/checkpoint/torch_file.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/golden_tensor.hpp"

using namespace vcflash;
using namespace vcflash::checkpoint;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The index's `expected` files hold what upstream's loaders keep of a file: the connector's keys
/// after "mm_projector.", an encoder's with its norm renamed.
std::string key_as_upstream_keeps_it(std::string key) {
  if (auto const at = key.find("mm_projector."); at != key.npos) key.erase(0, at + 13);
  std::string const norm = "encoder.norm";
  if (key.starts_with(norm)) key = "encoder.vision_layernorm" + key.substr(norm.size());
  return key;
}

}  // namespace

TEST_CASE("torch's own files are read and malformed ones refused, as the index says", "[golden]") {
  std::string const folder = "model/pt_files/";
  auto const index = test::golden_json(folder + "index.json");
  REQUIRE_FALSE(index.empty());
  for (auto const& [name, entry] : index.items()) {
    CAPTURE(name);
    auto const verdict = entry.at("verdict").get<std::string>();
    auto const path = test::golden_file(folder + name);
    NamedTensors tensors;
    bool accepted = true;
    try {
      tensors = read_torch_file(path);
    } catch (InputError const& error) {
      accepted = false;
      CHECK_THAT(error.what(), ContainsSubstring(name));
    }
    if (verdict.starts_with("accept")) CHECK(accepted);
    if (verdict.starts_with("reject") && !verdict.starts_with("reject cleanly or")) {
      CHECK_FALSE(accepted);
    }
    if (!accepted || !entry.contains("expected")) continue;
    auto const expected =
        test::read_golden_safetensors(folder + entry.at("expected").get<std::string>());
    std::map<std::string, Tensor> kept;
    for (auto const& [key, tensor] : tensors) kept[key_as_upstream_keeps_it(key)] = tensor;
    for (auto const& [key, tensor] : expected) {
      CAPTURE(key);
      REQUIRE(kept.contains(key));
      CHECK(kept[key].scalar_type() == tensor.scalar_type());
      CHECK(kept[key].equal(tensor));
    }
  }
}

TEST_CASE("a dictionary of tensors is written with torch's own pickle, byte for byte", "[golden]") {
  auto const path = test::golden_file("model/pt_files/mm_projector.t26.bin");
  test::TemporaryFolder const folder;
  write_torch_file(folder / "mm_projector.bin", read_torch_file(path));
  MappedFile const torch(path), ours(folder / "mm_projector.bin");
  auto const torch_records = read_zip(torch.bytes()), our_records = read_zip(ours.bytes());
  for (auto const& [name, content] : our_records) {
    CAPTURE(name);
    auto const same = torch_records.find("mm_projector.t26/" + name.substr(name.find('/') + 1));
    REQUIRE(same != torch_records.end());
    CHECK(std::ranges::equal(content, same->second));
  }
}

TEST_CASE("tensors survive a torch file", "[unit]") {
  test::TemporaryFolder const folder;
  NamedTensors written{{"scalar", at::ones({})},
                       {"empty", at::ones({0, 3})},
                       {"transposed", at::arange(6).view({2, 3}).t()},
                       {"four", at::ones({2, 1, 300, 1}, at::kBFloat16)},
                       {"bool", at::ones({2}, at::kBool)}};
  for (int i = 0; i < 100; ++i) {  // more than fit the pickle's one-byte references
    written.emplace_back(fmt::format("layer.{}", i), at::arange(i));
  }
  write_torch_file(folder / "a.bin", written);
  auto const read = read_torch_file(folder / "a.bin");
  REQUIRE(read.size() == written.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    CAPTURE(read[i].first);
    CHECK(read[i].first == written[i].first);
    CHECK(read[i].second.scalar_type() == written[i].second.scalar_type());
    CHECK(read[i].second.equal(written[i].second));
  }
}

TEST_CASE("every cut of a torch file is refused", "[golden]") {
  for (std::string const name : {"mm_projector.t26.bin", "mm_projector_legacy.t26.bin"}) {
    auto const bytes = test::read_file(test::golden_file("model/pt_files/" + name));
    test::TemporaryFolder const folder;
    for (std::size_t length = 0; length < bytes.size(); length += 7) {
      auto const path = folder.write("cut.bin", bytes.substr(0, length));
      CAPTURE(name, length);
      CHECK_THROWS_AS(read_torch_file(path), InputError);
    }
  }
}

TEST_CASE("a torch file with a byte changed is read or refused", "[golden]") {
  for (std::string const name : {"mm_projector.t26.bin", "mm_projector_legacy.t26.bin"}) {
    auto bytes = test::read_file(test::golden_file("model/pt_files/" + name));
    test::TemporaryFolder const folder;
    for (std::size_t at = 0; at < 700; ++at) {
      bytes[at] ^= '\x15';
      auto const path = folder.write("changed.bin", bytes);
      try {
        for (auto const& [key, tensor] : read_torch_file(path)) (void)tensor.clone();
      } catch (InputError const&) {
        // Refusing is as good as reading what cannot be told from another sound file.
      }
      bytes[at] ^= '\x15';
    }
  }
  SUCCEED("nothing crashed");
}
