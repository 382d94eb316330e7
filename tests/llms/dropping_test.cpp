#include <vcflash/llms/dropping.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>
#include <numeric>

#include "tests/support/medium_decoder.hpp"

using namespace vcflash;

namespace {

using Plain = Qwen2<DecoderConfig{.name = "small",
                                  .hidden = 32,
                                  .layers = 2,
                                  .heads = 4,
                                  .kv_heads = 2,
                                  .intermediate = 48,
                                  .vocabulary = 60}>;
using Halving = Plain::With<AttentionDropping<DropSchedule{{1}, {1.0, 0.5}}>>;

DroppableSequence sequence(std::int64_t visual, std::int64_t text) {
  DroppableSequence result{
      visual + text, std::vector<std::int64_t>(static_cast<std::size_t>(visual)), {visual + text}};
  std::iota(result.visual.begin(), result.visual.end(), 0);
  return result;
}

}  // namespace

TEST_CASE("a policy is beside a decoder, and the last one holds", "[unit]") {
  STATIC_CHECK(DropsVisualTokens<Halving>);
  STATIC_CHECK_FALSE(DropsVisualTokens<Plain>);
  STATIC_CHECK(std::same_as<Halving::With<NoDropping>, Plain>);
  STATIC_CHECK(std::same_as<Plain::With<NoDropping>, Plain>);
  using Uniform = UniformDropping<DropSchedule{{1}, {1.0, 0.25}}>;
  STATIC_CHECK(std::same_as<Halving::With<Uniform>, Plain::With<Uniform>>);
  STATIC_CHECK(key_count<Halving> == key_count<Plain>);
}

TEST_CASE("a conversation that is forgotten and told again gives the same states", "[unit]") {
  at::NoGradGuard const no_grad;
  Halving llm;
  initialize(llm, {.weight = 0.2, .embedding = 1}, 1);
  // What is left of 2,048 visual tokens passes in as many parts of 1,024 as the text does.
  std::int64_t const visual = 2048, text = 1024;
  at::Tensor const embeddings = at::randn({1, visual + text, Plain::hidden});
  std::vector const told{sequence(visual, text)};
  Halving::Cache cache;
  at::Tensor const first = llm.reduced_states(embeddings, told, &cache).states.slice(1, -1);
  CHECK(cache.tokens(1) == visual / 2 + text);
  CHECK(cache.truncate(0) == 0);
  CHECK(cache.tokens(1) == 0);
  at::Tensor const again = llm.reduced_states(embeddings, told, &cache).states.slice(1, -1);
  CHECK(again.equal(first));
}
