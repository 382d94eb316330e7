#pragma once

#include <vcflash/kernels/cross_entropy.hpp>
#include <vcflash/llms/decoder.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/golden_manifest.hpp"
#include "tests/support/golden_models.hpp"

/// Decoders against the folders of tests/golden/families/.
namespace vcflash::test {

/// The states of ids whose positions begin at `first`.
template <DecoderConfig C>
at::Tensor states_from(Decoder<C> const& llm, at::Tensor const& ids, std::int64_t first) {
  at::Tensor states = llm.embed(ids);
  // Nothing comes before them, so only their positions tell: keys begin at the first of them.
  DecoderContext<C> const context(first, ids.size(1), states, nullptr, 0, llm.scaling);
  for (std::size_t i = 0; i < llm.model.layers.size(); ++i) {
    states = llm.model.layers[i](states, static_cast<std::int64_t>(i), context);
  }
  return llm.normalized(states);
}

/// Logits, loss, gradients, greedy tokens, a left-padded batch, positions far out.
template <DecoderConfig C>
void compare_family(Decoder<C>& llm, std::string const& name) {
  CAPTURE(name);
  std::string const folder = "families/" + name + "/";
  Golden golden(folder + "expected");
  load_golden_weights(llm, read_golden_safetensors(folder + "model.safetensors"));
  auto const tolerance = within(golden.json().at("tolerance_fp32").get<double>());
  CHECK(golden.json().at("parameters").get<std::int64_t>() == parameter_count<Decoder<C>>);
  CHECK(golden_json(folder + "config.json").at("model_type") == Decoder<C>::facts.model_type);

  at::Tensor const mask = golden["in.attention_mask"];
  at::Tensor const logits = llm.logits(llm.hidden_states(llm.embed(golden["in.input_ids"])));
  golden.check("out.logits", logits * mask.unsqueeze(-1), tolerance);
  at::Tensor const next = golden["in.labels"].slice(1, 1), counted = next.ne(-100);
  at::Tensor const loss = kernels::cross_entropy(logits.narrow(1, 0, next.size(1)).index({counted}),
                                                 next.index({counted}));
  golden.check("out.loss", loss.view({1}), within(1e-5));
  loss.backward();
  check_gradients(golden, "grad.", llm, within_relative_l2(1e-4));

  at::NoGradGuard const no_grad;
  {
    typename Decoder<C>::Cache cache;
    std::vector<at::Tensor> steps;
    at::Tensor ids = golden["in.prompt"];
    for (std::int64_t step = 0; step < golden["out.gen_ids"].size(0); ++step) {
      steps.push_back(llm.logits(llm.hidden_states(llm.embed(ids), &cache)[0][-1]));
      ids = steps.back().argmax().view({1, 1});
    }
    at::Tensor const all = at::stack(steps);
    golden.check("out.gen_ids", all.argmax(-1), exactly);
    golden.check("out.gen_logits", all, tolerance);
    at::Tensor const best = std::get<0>(all.topk(2, -1));
    golden.check("out.gen_margin", best.select(1, 0) - best.select(1, 1), within(1e-4));
  }
  {
    at::Tensor const left = golden["in.left.attention_mask"];
    std::vector<std::int64_t> padding;
    for (std::int64_t row = 0; row < left.size(0); ++row) {
      padding.push_back(left.size(1) - left[row].sum().item<std::int64_t>());
    }
    typename Decoder<C>::Cache cache;
    cache.pad_left(padding);
    at::Tensor const states = llm.hidden_states(llm.embed(golden["in.left.input_ids"]), &cache);
    golden.check("out.left.last_logits", llm.logits(states.select(1, -1)), tolerance);
  }
  auto const first = golden.json().at("far_start").get<std::int64_t>();
  golden.check("out.far.logits", llm.logits(states_from(llm, golden["in.far.input_ids"], first)),
               tolerance);
  golden.require_all_checked();
}

/// The keys and parameters of a published size, and what its configuration says.
template <class Llm>
void check_family_size(std::string const& name) {
  CAPTURE(name);
  auto const entry = golden_json("manifests/families/families.json").at(name);
  CHECK(compiled_keys<Llm>() == published_keys("families/" + name));
  CHECK(entry.at("parameters") == parameter_count<Llm>);
  CHECK(entry.at("keys") == key_count<Llm>);
  CHECK(entry.at("tied") == Llm::facts.tied);
  auto const& json = entry.at("config");
  constexpr LlmFacts facts = Llm::facts;
  CHECK(json.at("hidden_size") == facts.hidden);
  CHECK(json.at("num_attention_heads") == facts.heads);
  CHECK(json.at("num_key_value_heads") == facts.kv_heads);
  CHECK(json.at("head_dim") == facts.head_dim);
  CHECK(json.at("max_position_embeddings") == facts.max_positions);
  CHECK(json.at("rms_norm_eps") == facts.rms_epsilon);
  auto const& rope = json.at("rope_parameters");
  CHECK(rope.at("rope_theta") == facts.rope_base);
  CHECK(rope.at("rope_type").get<std::string>() == name_of(facts.scaling.kind));
  if (facts.scaling.stretches()) {
    CHECK(rope.at("factor") == facts.scaling.factor);
    CHECK(rope.at("original_max_position_embeddings") == facts.scaling.original_positions);
    CHECK(rope.at("high_freq_factor") == facts.scaling.fast);
    CHECK(rope.at("low_freq_factor") == facts.scaling.slow);
  }
}

}  // namespace vcflash::test
