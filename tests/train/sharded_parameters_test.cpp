#include <vcflash/train/sharded_parameters.hpp>

#include <catch2/catch_test_macros.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/recipe/recipe.hpp>

#include "tests/checkpoint/small_recipe.hpp"
#include "tests/dist/as_ranks.hpp"

using namespace vcflash;
using namespace vcflash::train;
using namespace std::chrono_literals;

using Stage2 = test::SmallRecipe<VisualPretraining>;
using Stage4 = test::SmallRecipe<HighResPostSft>;

namespace {

template <class R>
ShardedParameters sharded(typename R::Network& network, dist::ProcessGroup& group) {
  freeze_as_staged<R>(network);
  auto const& prefixes = R::Network::key_prefixes;
  return {units_of(network.encoder, prefixes[0]), units_of(network.llm, prefixes[2]),
          parameters_of(network.connector, prefixes[1]), group};
}

}  // namespace

TEST_CASE("a rank keeps its part of the parameters, and all of them when they are used", "[unit]") {
  Stage2::Network expected;
  initialize_model<Stage2>(expected, 1);
  auto const values = named_parameters(expected);
  for (std::int64_t const ranks : {2, 3}) {
    auto const failures = test::as_ranks(ranks, 60s, [&](dist::ProcessGroup& group) {
      Stage2::Network network;
      // Rank 0's values are those of all.
      initialize_model<Stage2>(network, group.first() ? 1 : 2);
      auto parameters = sharded<Stage2>(network, group);
      auto const kept = parameters.bytes();
      for (int round = 0; round < 2; ++round) {
        parameters.gather_all();
        auto const found = named_parameters(network);
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (!found[i].second.equal(values[i].second)) fail(values[i].first, " has changed");
          if (!found[i].second.requires_grad()) fail(values[i].first, " carries no gradient");
        }
        auto const all = parameters.bytes();
        if (all < parameter_count<Stage2::Network> * 4 + kept) fail("all has ", all, " bytes");
        parameters.release_all();
        if (parameters.bytes() != kept) fail("released has ", parameters.bytes(), " bytes");
      }
      // Parts end at whole lines of numbers, which in a model this small is most of them.
      if (kept > parameter_count<Stage2::Network> * 4 * 2 / ranks) fail("kept ", kept, " bytes");
    });
    for (auto const& failure : failures) CHECK(failure == "");
  }
}

TEST_CASE("units are used layer by layer, the encoder's as often as it runs", "[unit]") {
  auto const failures = test::as_ranks(2, 60s, [&](dist::ProcessGroup& group) {
    Stage4::Network network;
    initialize_model<Stage4>(network, 1);
    auto const parameters = sharded<Stage4>(network, group);
    // The first is what has no layers.
    std::vector<std::size_t> const once{1, 2, 3, 4}, twice{1, 2, 1, 2, 3, 4}, never{3, 4};
    if (parameters.order_of_use(1) != once) fail("once");
    if (parameters.order_of_use(2) != twice) fail("twice");
    if (parameters.order_of_use(0) != never) fail("never");
    auto const trained = parameters.trained_keys();
    if (trained.size() != 3) fail("trained units: ", trained.size());
    if (trained[1].front().find("blocks.0.") == std::string::npos) fail(trained[1].front());
    if (parameters.part_with(trained[1].front()).numel() % 16 != 0) fail("the part is cut oddly");
  });
  for (auto const& failure : failures) CHECK(failure == "");
}
