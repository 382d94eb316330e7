#include <vcflash/meta/key_alias.hpp>

#include <catch2/catch_test_macros.hpp>
#include <set>

using namespace vcflash;

namespace {

struct Silent {};
struct Talking {
  static constexpr std::array key_aliases{KeyAlias{"encoder.norm.", "tower.norm."},
                                          KeyAlias{"", "tower."}};
};

}  // namespace

TEST_CASE("a component says how else its keys are spelled, or nothing", "[unit]") {
  CHECK(key_aliases_of<Silent>().empty());
  CHECK(key_aliases_of<Talking>().size() == 2);
}

TEST_CASE("a file's key is found in the spelling of network, part or both", "[unit]") {
  static constexpr std::array network{KeyAlias{"vision.", "model.vision."},
                                      KeyAlias{"language.", ""}};
  KeySpelling spelling(network);
  spelling.add_part("model.vision.", key_aliases_of<Talking>());
  std::set<std::string> const keys{"model.vision.tower.norm.weight", "model.vision.tower.x",
                                   "lm_head.weight"};
  auto const ours = [&](std::string const& key) {
    return spelling(key, [&](std::string const& wanted) { return keys.contains(wanted); });
  };
  CHECK(ours("lm_head.weight") == "lm_head.weight");
  CHECK(ours("language.lm_head.weight") == "lm_head.weight");
  CHECK(ours("model.vision.x") == "model.vision.tower.x");
  CHECK(ours("vision.tower.x") == "model.vision.tower.x");
  CHECK(ours("vision.x") == "model.vision.tower.x");
  CHECK(ours("vision.encoder.norm.weight") == "model.vision.tower.norm.weight");

  CHECK(ours("vision.unknown") == "vision.unknown");
  CHECK(ours("encoder.norm.weight") == "encoder.norm.weight");
}
