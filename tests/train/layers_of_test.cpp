#include <vcflash/train/layers_of.hpp>

#include <catch2/catch_test_macros.hpp>

#include "tests/checkpoint/small_recipe.hpp"

using namespace vcflash;
using namespace vcflash::train;

TEST_CASE("a part's parameters are told apart by the layers that it repeats", "[unit]") {
  using Network = test::SmallRecipe<VisualPretraining>::Network;
  Network network;
  auto const encoder = units_of(network.encoder, "model.vision_tower.");
  auto const llm = units_of(network.llm, "");
  CHECK(encoder.layers.size() == 2);  // the last of three is not run
  CHECK(llm.layers.size() == 2);
  std::size_t count = 0;
  for (auto const* const part : {&encoder, &llm}) {
    count += part->rest.size();
    for (std::size_t i = 0; i < part->layers.size(); ++i) {
      auto const& layer = part->layers[i];
      CHECK(layer.size() == part->layers[0].size());
      count += layer.size();
      for (auto const& parameter : layer) {
        CAPTURE(parameter.key);
        bool const of_llm = part == &llm;
        auto const number = (of_llm ? "model.layers." : ".blocks.") + std::to_string(i) + ".";
        CHECK(parameter.key.find(number) != std::string::npos);
      }
    }
    for (auto const& parameter : part->rest) {
      CHECK(parameter.key.find("layers.") == std::string::npos);
      CHECK(parameter.key.find("blocks.") == std::string::npos);
    }
  }
  CHECK(static_cast<std::int64_t>(count) == key_count<Network::Encoder> + key_count<Network::Llm>);
}
