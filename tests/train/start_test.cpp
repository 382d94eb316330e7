#include <vcflash/train/start.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <vcflash/checkpoint/safetensors.hpp>
#include "tests/checkpoint/small_recipe.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::train;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

using Stage1 = test::SmallRecipe<ConnectorInit>;
using Stage2 = test::SmallRecipe<VisualPretraining>;

Stage2::Network drawn(std::uint64_t seed) {
  Stage2::Network network;
  initialize_model<Stage2>(network, seed);
  return network;
}

bool same(auto const& a, auto const& b) {
  auto const left = named_parameters(a), right = named_parameters(b);
  return std::ranges::equal(left, right,
                            [](auto const& x, auto const& y) { return x.second.equal(y.second); });
}

template <class R>
typename R::Network started(RunFiles const& files) {
  auto run = default_config<R>();
  run.dtype = at::kFloat;
  typename R::Network network;
  load_weights<R>(network, start_of(files), run);
  return network;
}

/// A base model and what stage 1 made of its connector.
struct Folders {
  test::TemporaryFolder root;
  std::filesystem::path base = root / "base", stage1 = root / "stage1";
  Folders() {
    std::filesystem::create_directory(base);
    std::filesystem::create_directory(stage1);
    checkpoint::save_weights(named_parameters(drawn(1)), base);
    checkpoint::write_json(base / "config.json",
                           checkpoint::to_json(checkpoint::network_fields<Stage2::Network>()));
    checkpoint::save_connector(
        named_parameters(drawn(2).connector, Stage2::Network::key_prefixes[1]), stage1);
    checkpoint::write_json(stage1 / "config.json", {{"_name_or_path", base.string()}});
  }
};

}  // namespace

TEST_CASE("without a folder, weights are drawn from the seed", "[unit]") {
  CHECK(same(started<Stage2>({.out = "x"}), drawn(42)));
}

TEST_CASE("stage 2 starts from the base model and stage 1's connector", "[unit]") {
  Folders const f;
  auto const connector = f.stage1 / "mm_projector.bin";
  auto const check = [](Stage2::Network const& network) {
    CHECK(same(network.connector, drawn(2).connector));
    CHECK(same(network.encoder, drawn(1).encoder));
    CHECK(same(network.llm, drawn(1).llm));
  };
  SECTION("given both") {
    check(started<Stage2>({.out = "x", .init = f.base, .connector = connector}));
  }
  SECTION("given stage 1's folder, which names its base") {
    check(started<Stage2>({.out = "x", .init = f.stage1}));
  }
  SECTION("given stage 1's folder, moved together with its base") {
    std::filesystem::create_directory(f.root / "moved");
    std::filesystem::rename(f.base, f.root / "moved/base");
    std::filesystem::rename(f.stage1, f.root / "moved/stage1");
    check(started<Stage2>({.out = "x", .init = f.root / "moved/stage1"}));
  }
  SECTION("but not without the base") {
    std::filesystem::remove_all(f.base);
    CHECK_THROWS_MATCHES(start_of({.out = "x", .init = f.stage1}), InputError,
                         MessageMatches(ContainsSubstring("stage1: holds a connector only") &&
                                        ContainsSubstring("give --init MODEL --connector")));
  }
}

TEST_CASE("stage 1 draws a connector for a model that has none", "[unit]") {
  Folders const f;
  auto tensors = named_parameters(drawn(1));
  std::erase_if(tensors, [](auto const& t) { return t.first.starts_with("model.mm_projector"); });
  checkpoint::write_safetensors(f.base / "model.safetensors", tensors);
  auto const network = started<Stage1>({.out = "x", .init = f.base});
  CHECK(same(network.llm, drawn(1).llm));
  CHECK(same(network.connector, drawn(42).connector));
  CHECK_THROWS_AS(started<Stage2>({.out = "x", .init = f.base}), InputError);
}

TEST_CASE("a folder whose configuration is another model's is refused", "[unit]") {
  Folders const f;
  checkpoint::write_json(f.base / "config.json", {{"rms_norm_eps", 1e-5}});
  CHECK_THROWS_MATCHES(started<Stage2>({.out = "x", .init = f.base}), InputError,
                       MessageMatches(ContainsSubstring("config.json: rms_norm_eps is 1e-05")));
}

TEST_CASE("a folder that is not there is refused", "[unit]") {
  CHECK_THROWS_MATCHES(started<Stage2>({.out = "x", .init = "none"}), InputError,
                       MessageMatches(ContainsSubstring("none: is not a folder")));
}

TEST_CASE("what may be missing is drawn from the seed, and named", "[unit]") {
  Folders const f;
  auto tensors = named_parameters(drawn(1));
  std::erase_if(tensors, [](auto const& t) { return t.first.starts_with("model.layers.1."); });
  checkpoint::write_safetensors(f.base / "model.safetensors", tensors);
  auto run = default_config<Stage2>();
  std::vector<std::string> told;
  auto const load = [&](std::uint64_t seed) {
    run.recipe.seed = seed;
    Stage2::Network network;
    load_weights<Stage2>(
        network, start_of({.out = "x", .init = f.base, .allow_missing = {"model.layers.1.*"}}), run,
        [&](std::string const& sentence) { told.push_back(sentence); });
    return network;
  };
  auto const one = load(5), again = load(5), other = load(6);
  REQUIRE(told.size() == 3);
  CHECK(told[0].find("base: 12 of the model's tensors are missing") != std::string::npos);
  CHECK(same(one, again));
  CHECK_FALSE(same(one.llm, other.llm));
  CHECK(same(one.encoder, other.encoder));
  CHECK(one.llm.model.layers[1].mlp.up_proj.weight.value.scalar_type() == at::kBFloat16);
  CHECK(one.llm.model.layers[1].input_layernorm.weight.value.eq(1).all().item<bool>());
  CHECK_THROWS_AS(started<Stage2>({.out = "x", .init = f.base}), InputError);
}
