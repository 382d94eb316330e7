#include <vcflash/recipe/recipe.hpp>

#include "recipes/stage1_tiny.hpp"
#include "recipes/stage1_umt_tome16_res224_qwen_7b.hpp"
#include "recipes/stage2_tiny.hpp"
#include "recipes/stage2_umt_tome16_res224_qwen_7b.hpp"
#include "recipes/stage3_tiny.hpp"
#include "recipes/stage3_umt_tome16_res224_qwen_7b.hpp"
#include "recipes/stage4_tiny.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

namespace {

template <class R>
std::array<bool, 3> trained_after_staging() {
  typename R::Network network;
  allocate(network);
  freeze_as_staged<R>(network);
  auto const any_trained = [](auto const& part) {
    bool trained = false;
    for_each_parameter(
        part, [&](auto const&, auto const& p) { trained = trained || p.value.requires_grad(); });
    return trained;
  };
  return {any_trained(network.encoder), any_trained(network.connector), any_trained(network.llm)};
}

}  // namespace

TEST_CASE("a stage trains its parts and no others", "[unit]") {
  CHECK(trained_after_staging<recipes::stage1_tiny>() == std::array{false, true, false});
  CHECK(trained_after_staging<recipes::stage2_tiny>() == std::array{true, true, true});
  CHECK(trained_after_staging<recipes::stage3_tiny>() == std::array{true, true, true});
  CHECK(trained_after_staging<recipes::stage4_tiny>() == std::array{true, true, false});
}

TEST_CASE("the stages of one model share its layers, so a checkpoint passes through", "[unit]") {
  auto const first = keys_of<recipes::stage1_tiny::Network>();
  auto const last = keys_of<recipes::stage4_tiny::Network>();
  REQUIRE(first.size() == last.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i].key == last[i].key);
    CHECK(first[i].shape == last[i].shape);
  }
}

TEST_CASE("the same seed draws the same model, another seed another", "[unit]") {
  using M = recipes::stage1_tiny;
  M::Network a, b, c;
  initialize_model<M>(a, 5);
  initialize_model<M>(b, 5);
  initialize_model<M>(c, 6);
  auto const equal = [](M::Network const& left, M::Network const& right) {
    std::vector<Tensor> values;
    for_each_parameter(left, [&](auto const&, auto const& p) { values.push_back(p.value); });
    std::size_t i = 0, same = 0;
    for_each_parameter(right,
                       [&](auto const&, auto const& p) { same += p.value.equal(values[i++]); });
    return same == values.size();
  };
  CHECK(equal(a, b));
  CHECK_FALSE(equal(a, c));
}

TEST_CASE("a full-size recipe has the script's batch", "[unit]") {
  STATIC_CHECK(recipes::stage1_umt_tome16_res224_qwen_7b::Stage::defaults.global_batch() == 512);
  STATIC_CHECK(recipes::stage2_umt_tome16_res224_qwen_7b::Stage::defaults.global_batch() == 256);
  STATIC_CHECK(recipes::stage3_umt_tome16_res224_qwen_7b::Stage::defaults.max_frames == 512);
}
