#include <vcflash/kernels/cross_entropy.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/tensor/placement.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/pad.h>
#include <ATen/ops/stack.h>

#include "tests/support/golden_manifest.hpp"
#include "tests/support/golden_models.hpp"

using namespace vcflash;
using namespace vcflash::test;

namespace {

constexpr DecoderConfig golden_yarn = [] {
  DecoderConfig config = GoldenQwen2::config;
  config.scaling = kernels::yarn(4, 64);
  return config;
}();
using GoldenYarn = Qwen2<golden_yarn>;

/// Greedy continuation with the cache. \return the logits of each step, [steps, vocabulary]
template <class Llm>
at::Tensor greedy_logits(Llm const& llm, at::Tensor const& prompt, std::int64_t steps) {
  typename Llm::Cache cache;
  std::vector<at::Tensor> logits;
  at::Tensor ids = prompt;
  for (std::int64_t step = 0; step < steps; ++step) {
    logits.push_back(llm.logits(llm.hidden_states(llm.embed(ids), &cache)[0][-1]));
    ids = logits.back().argmax().view({1, 1});
  }
  return at::stack(logits);
}

template <class Llm>
void check_config(std::string const& name) {
  CAPTURE(name);
  auto const json = golden_json("manifests/configs/" + name + ".json");
  constexpr DecoderConfig config = Llm::config;
  CHECK(json.at("num_attention_heads") == config.heads);
  CHECK(json.at("num_key_value_heads") == config.kv_heads);
  CHECK(json.at("max_position_embeddings") == config.max_positions);
  CHECK(json.at("rope_theta") == config.rope_base);
  CHECK(json.at("rms_norm_eps") == config.rms_epsilon);
  CHECK(json.at("tie_word_embeddings") == config.tied);
}

template <class Llm>
void compare_with_golden(std::string const& name) {
  Golden golden(name);
  Llm llm;
  load_golden_weights(llm, golden.with_prefix("w."));

  at::Tensor const mask = golden["in.attention_mask"];
  at::Tensor const logits = llm.logits(llm.hidden_states(llm.embed(golden["in.input_ids"])));
  golden.check("out.logits", logits * mask.unsqueeze(-1), within(5e-5));

  at::Tensor const labels = golden["in.labels"];
  at::Tensor const next = labels.narrow(1, 1, labels.size(1) - 1);
  at::Tensor const counted = next.ne(-100);
  at::Tensor const loss = kernels::cross_entropy(logits.narrow(1, 0, next.size(1)).index({counted}),
                                                 next.index({counted}));
  golden.check("out.loss", loss.view({1}), within(1e-5));
  CHECK(std::abs(loss.item<double>() - golden.json().at("loss").get<double>()) <= 1e-5);
  loss.backward();
  check_gradients(golden, "grad.", llm, within_relative_l2(1e-4));

  at::Tensor const steps =
      greedy_logits(llm, golden["in.prompt"], golden["out.gen_ids"].size(0)).detach();
  golden.check("out.gen_ids", steps.argmax(-1), exactly);
  golden.check("out.gen_logits", steps, within(5e-5));
  at::Tensor const best = std::get<0>(steps.topk(2, -1));
  golden.check("out.gen_margin", best.select(1, 0) - best.select(1, 1), within(1e-4));
  golden.require_all_checked({"out.logits", "out.loss", "out.gen", "grad."});
}

}  // namespace

TEST_CASE("Qwen2 gives upstream's logits, loss, gradients and greedy tokens", "[golden]") {
  compare_with_golden<GoldenQwen2>("model/qwen2");
}

TEST_CASE("Qwen2 with a tied output layer does so too", "[golden]") {
  compare_with_golden<GoldenQwen2Tied>("model/qwen2_tied");
}

TEST_CASE("rotary positions turn as upstream's, early and late", "[golden]") {
  Golden golden("model/qwen2");
  GoldenQwen2 llm;
  load_golden_weights(llm, golden.with_prefix("w."));
  auto const& config = GoldenQwen2::config;
  golden.check("out.default_inv_freq",
               kernels::rotary_frequencies(config.head_dim(), config.rope_base, test_device()),
               within(1e-7));
  at::Tensor const states = llm.hidden_states(llm.embed(golden["in.yarn_ids"]));
  golden.check("out.default_logits200", llm.logits(states.slice(1, 0, std::nullopt, 20)),
               within(5e-5));
  golden.require_all_checked({"out.default"});
}

TEST_CASE("YaRN stretches rotary positions as upstream's", "[golden]") {
  Golden golden("model/qwen2");
  auto const& stored = golden.json().at("yarn");
  auto const& config = GoldenYarn::config;
  REQUIRE(stored.at("factor").get<double>() == config.scaling.factor);
  REQUIRE(stored.at("original_max_position_embeddings") == config.scaling.original_positions);
  CHECK(std::abs(config.scaling.attention_scaling() -
                 stored.at("attention_scaling").get<double>()) < 1e-12);
  golden.check("out.yarn_inv_freq",
               kernels::rotary_frequencies(config.head_dim(), config.rope_base, test_device(),
                                           config.scaling),
               within(1e-7));
  golden.check("out.yarn_inv_freq_7b",
               kernels::rotary_frequencies(Qwen2_7B::config.head_dim(), Qwen2_7B::config.rope_base,
                                           test_device(), kernels::yarn(4, 32768)),
               within(1e-7));
  GoldenYarn llm;
  load_golden_weights(llm, golden.with_prefix("w."));
  at::Tensor const states = llm.hidden_states(llm.embed(golden["in.yarn_ids"]));
  golden.check("out.yarn_logits", llm.logits(states.slice(1, 0, std::nullopt, 5)), within(5e-5));
  golden.require_all_checked({"out.yarn"});
}

TEST_CASE("several tokens at once continue a cache as one by one", "[unit]") {
  Golden golden("model/qwen2");
  GoldenQwen2 llm;
  load_golden_weights(llm, golden.with_prefix("w."));
  at::Tensor const embeddings = llm.embed(golden["in.prompt"]);
  at::Tensor const whole = llm.hidden_states(embeddings);
  GoldenQwen2::Cache cache;
  llm.hidden_states(embeddings.narrow(1, 0, 3), &cache);
  at::Tensor const rest =
      llm.hidden_states(embeddings.narrow(1, 3, embeddings.size(1) - 3), &cache);
  CHECK(cache.tokens() == embeddings.size(1));
  CHECK((rest - whole.narrow(1, 3, rest.size(1))).abs().max().item<float>() < 1e-5F);
}

TEST_CASE("a batch padded to the left answers as each of its sequences alone", "[unit]") {
  at::NoGradGuard const no_grad;
  Golden golden("model/qwen2");
  GoldenQwen2 llm;
  load_golden_weights(llm, golden.with_prefix("w."));
  at::Tensor const long_one = golden["in.prompt"], short_one = long_one.narrow(1, 2, 4);
  std::int64_t const pad = long_one.size(1) - 4;
  at::Tensor const batch = at::cat({long_one, at::pad(short_one, {pad, 0})});

  GoldenQwen2::Cache both, first, second;
  both.pad_left({0, pad});
  auto const last = [&](at::Tensor const& ids, GoldenQwen2::Cache& cache) {
    return llm.hidden_states(llm.embed(ids), &cache).select(1, -1);
  };
  at::Tensor together = last(batch, both);
  at::Tensor alone = at::cat({last(long_one, first), last(short_one, second)});
  for (std::int64_t step = 0; step < 3; ++step) {
    CHECK((together - alone).abs().max().item<float>() < 1e-5F);
    at::Tensor const next = golden["in.prompt"].narrow(1, step, 1);
    together = last(next.expand({2, 1}), both);
    alone = at::cat({last(next, first), last(next, second)});
  }
}

TEST_CASE("in bf16 the logits stay within three hundredths of those in fp32", "[golden]") {
  at::NoGradGuard const no_grad;
  Golden golden("model/qwen2");
  GoldenQwen2 llm;
  load_golden_weights(llm, golden.with_prefix("w."));
  auto const logits = [&] {
    return llm.logits(llm.hidden_states(llm.embed(golden["in.input_ids"]))).to(at::kFloat);
  };
  at::Tensor const exact = logits();
  convert_to(llm, at::kBFloat16);
  CHECK((logits() - exact).norm().item<float>() < 0.03F * exact.norm().item<float>());
}

TEST_CASE("the plain LLMs have the published keys and parameters", "[golden]") {
  check_published<Qwen2_7B>("qwen2-7b");
  check_published<Qwen2_5_7B>("qwen2_5-7b");
  check_published<Qwen2_5_7B_1M>("qwen2_5-7b-1m");
  check_published<Qwen2_5_1_5B>("qwen2_5-1_5b");
  check_published<Qwen2_5_0_5B>("qwen2_5-0_5b");
  // Qwen2's and Qwen2.5's small models differ in nothing but their weights.
  check_published<Qwen2_1_5B>("qwen2_5-1_5b");
  check_published<Qwen2_0_5B>("qwen2_5-0_5b");
}

TEST_CASE("the plain LLMs are of the published shapes", "[golden]") {
  check_config<Qwen2_7B>("qwen2-7b");
  check_config<Qwen2_5_7B>("qwen2_5-7b");
  check_config<Qwen2_5_7B_1M>("qwen2_5-7b-1m");
  check_config<Qwen2_5_1_5B>("qwen2_5-1_5b");
  check_config<Qwen2_5_0_5B>("qwen2_5-0_5b");
}
