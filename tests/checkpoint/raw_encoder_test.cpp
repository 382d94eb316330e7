#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/checkpoint/torch_file.hpp>
#include <vcflash/encoders/internvideo2.hpp>
#include <vcflash/encoders/umt.hpp>

#include <ATen/ops/full.h>

#include <catch2/catch_test_macros.hpp>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "tests/support/folder.hpp"
#include "tests/support/golden_manifest.hpp"

using namespace vcflash;

namespace {

/// Reads a file with the keys of upstream's, each tensor being its own number, and compares where
/// each key goes with upstream's loader.
template <class Encoder>
void check_raw_file(std::string const& name) {
  CAPTURE(name);
  auto const stored = test::published_keys(name);
  auto const entry = test::golden_json("manifests/manifests.json").at(name);
  CHECK(stored.size() == entry.at("keys").get<std::size_t>());
  NamedTensors tensors;
  for (auto const& [key, shape] : stored) {
    tensors.emplace_back(key, at::full({1}, static_cast<double>(tensors.size()), at::kFloat));
  }
  test::TemporaryFolder const folder;
  checkpoint::write_torch_file(folder / "raw.pt", tensors);
  std::set<std::string> known;
  for (auto const& [key, shape] : keys_of<Encoder>("model.vision_tower.")) known.insert(key);
  KeySpelling spelling;
  spelling.add_part("model.vision_tower.", key_aliases_of<Encoder>());
  auto read = checkpoint::read_encoder_file(folder / "raw.pt", known, spelling);
  std::map<std::string, at::Tensor> const by_key(tensors.begin(), tensors.end());

  auto ours = test::compiled_keys<Encoder>();
  std::istringstream rows(test::golden_text("manifests/" + name + ".map.tsv"));
  std::size_t mapped = 0, loaded = 0;
  for (std::string row; std::getline(rows, row);) {
    std::string key, action, target;
    std::istringstream(row) >> key >> action >> target;
    CAPTURE(key);
    REQUIRE(stored.contains(key));
    ++mapped;
    if (action == "ignore") continue;
    ++loaded;
    REQUIRE(read.contains(target));
    CHECK(read.at(target).equal(by_key.at(key)));
    read.erase(target);
    std::string const prefix = "model.vision_tower.";
    REQUIRE(target.starts_with(prefix));
    auto const own = ours.find(target.substr(prefix.size()));
    REQUIRE(own != ours.end());
    CHECK(own->second == stored.at(key));
    ours.erase(own);
  }
  CHECK(mapped == stored.size());
  CHECK(loaded == entry.at("loaded_keys").get<std::size_t>());
  CHECK(mapped - loaded == entry.at("ignored_keys").get<std::size_t>());
  std::int64_t elements = 0;
  for (auto const& [key, shape] : stored) {
    std::int64_t count = 1;
    std::istringstream sizes(shape);
    for (std::string size; std::getline(sizes, size, ',');) count *= std::stoll(size);
    elements += count;
  }
  CHECK(entry.at("elements") == elements);
  CHECK(entry.at("parameters") == parameter_count<Encoder>);
  CHECK(entry.at("ignored_elements") == elements - parameter_count<Encoder>);
  CHECK(read.empty());
  CHECK(ours.empty());
}

}  // namespace

TEST_CASE("upstream's raw encoder files are read key by key as upstream reads them", "[golden]") {
  check_raw_file<Umt<Res224>>("umt-l_f4_vision.pt");
  check_raw_file<InternVideo2_1B>("internvideo2-1b_f4_vision.pt");
}
