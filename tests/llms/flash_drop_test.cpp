#include <vcflash/kernels/cross_entropy.hpp>
#include <vcflash/llms/qwen2.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/pad.h>
#include <ATen/ops/tensor.h>

#include <numeric>

#include "tests/support/golden_dropping.hpp"

using namespace vcflash;
using namespace vcflash::test;

namespace {

std::vector<std::int64_t> range(std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), first);
  return values;
}

/// Text, visual tokens, text: [tokens, hidden].
at::Tensor spliced(GoldenQwen2 const& llm, at::Tensor const& before, std::string const& visual,
                   at::Tensor const& after) {
  at::NoGradGuard const no_grad;
  return at::cat({llm.embed(before), formula(visual), llm.embed(after)});
}

template <class Llm>
void compare_training(Golden& golden, std::string const& name, nlohmann::json const& entry) {
  Golden const weights("model/qwen2");
  GoldenQwen2 table;
  load_golden_weights(table, weights.with_prefix("w."));
  Llm llm;
  load_golden_weights(llm, weights.with_prefix("w."));
  at::Tensor const labels = golden["in." + name + ".labels"].cpu();
  at::Tensor const mask = golden["in." + name + ".attention_mask"].cpu();

  std::vector<at::Tensor> rows;
  std::vector<DroppableSequence> sequences;
  for (auto const& sample : entry.at("samples")) {
    auto const index = std::to_string(rows.size());
    auto const row = static_cast<std::int64_t>(rows.size());
    at::Tensor const before = golden["in." + name + ".ids_pre" + index];
    at::Tensor const embedded = spliced(table, before, sample.at("visual").get<std::string>(),
                                        golden["in." + name + ".ids_post" + index]);
    rows.push_back(at::pad(embedded, {0, 0, 0, labels.size(1) - embedded.size(0)}));
    CHECK(mask[row].sum().item<std::int64_t>() == embedded.size(0));
    sequences.push_back(
        labelled_sequence(labels[row].narrow(0, 0, embedded.size(0)),
                          range(before.size(0), sample.at("n_visual").get<std::int64_t>())));
  }
  at::Tensor const embeddings = at::stack(rows).requires_grad_(true);
  ReducedStates const left = llm.reduced_states(embeddings, sequences);

  CHECK(left.states.size(1) == entry.at("final_len").get<std::int64_t>());
  CHECK(nlohmann::json(left.kept) == entry.at("kept_rows_per_stage_and_sample_relative"));
  at::Tensor const labels_left = left.labels_left(labels);
  golden.check("out." + name + ".labels_after", labels_left, exactly);

  // Upstream zeroes padding where it has a mask; without one padding means nothing.
  at::Tensor const logits = llm.logits(left.states);
  at::Tensor const real =
      at::pad(mask, {0, 1}).gather(1, left.rows).unsqueeze(-1).to(test_device());
  if (mask.eq(0).any().item<bool>() || real.ne(0).all().item<bool>()) {
    golden.check("out." + name + ".logits", logits * real, within(5e-5));
  } else {
    golden.check_where("out." + name + ".logits", logits, real.ne(0), within(5e-5));
  }

  at::Tensor const next = labels_left.narrow(1, 1, labels_left.size(1) - 1);
  at::Tensor const counted = next.ne(ignore_label);
  at::Tensor const loss = kernels::cross_entropy(logits.narrow(1, 0, next.size(1)).index({counted}),
                                                 next.index({counted}).to(test_device()));
  golden.check("out." + name + ".loss", loss.view({1}), within(1e-5));
  CHECK(std::abs(loss.item<double>() - entry.at("loss").get<double>()) <= 1e-5);
  loss.backward();
  golden.check("grad." + name + ".inputs_embeds", embeddings.grad(), within_relative_l2(1e-4));
  check_gradients(golden, "grad." + name + ".", llm, within_relative_l2(1e-4));
  check_gradient_norms(entry.at("params_grad_l2"), llm, 1e-4);
}

template <class Llm>
void compare_inference(Golden& golden, std::string const& name, nlohmann::json const& entry) {
  at::NoGradGuard const no_grad;
  Golden const weights("model/qwen2");
  GoldenQwen2 table;
  load_golden_weights(table, weights.with_prefix("w."));
  Llm llm;
  load_golden_weights(llm, weights.with_prefix("w."));
  at::Tensor const before = golden["in." + name + ".ids_pre"];
  at::Tensor const prompt = spliced(table, before, entry.at("visual").get<std::string>(),
                                    golden["in." + name + ".ids_post"]);
  DroppableSequence const sequence{prompt.size(0),
                                   range(before.size(0), entry.at("n_visual").get<std::int64_t>()),
                                   {prompt.size(0)}};

  typename Llm::Cache cache;
  ReducedStates const left =
      llm.reduced_states(prompt.unsqueeze(0), std::span(&sequence, 1), &cache);
  CHECK(left.states.size(1) == entry.at("prefill_logits_len").get<std::int64_t>());
  CHECK(nlohmann::json(left.kept) == entry.at("kept_rows_per_stage"));
  CHECK(nlohmann::json(lengths_of(cache)) == entry.at("kv_len_after_prefill_per_layer"));
  at::Tensor const logits = llm.logits(left.states);
  golden.check("out." + name + ".prefill_logits", logits, within(5e-5));

  at::Tensor const ids = golden["out." + name + ".gen_ids"];
  at::Tensor const steps = decode_greedily(llm, logits[0][-1], cache, ids.size(0));
  golden.check("out." + name + ".step_logits", steps, within(5e-5));
  at::Tensor const chosen = steps.narrow(0, 0, ids.size(0));
  golden.check("out." + name + ".gen_ids", chosen.argmax(-1), exactly);
  CHECK(nlohmann::json(lengths_of(cache)) == entry.at("kv_len_after_8_steps"));
  at::Tensor const margins = at::tensor(entry.at("gen_margin").get<std::vector<double>>());
  CHECK((margins_of(chosen).to(at::kCPU, at::kDouble) - margins).abs().max().item<double>() <=
        1e-4);
}

}  // namespace

TEST_CASE("visual tokens are dropped as upstream drops them, in training and in answering",
          "[golden]") {
  Golden golden("model/flash_drop");
  for (auto const& [name, entry] : golden.json().at("cases").items()) {
    CAPTURE(name);
    with_golden_policy(entry.at("type").get<std::string>(),
                       entry.at("layer_list").get<std::vector<std::int64_t>>(),
                       entry.at("ratio_list").get<std::vector<double>>(), [&]<class Policy>() {
                         using Llm = GoldenQwen2::With<Policy>;
                         if (entry.at("mode") == "train") {
                           compare_training<Llm>(golden, name, entry);
                         } else {
                           compare_inference<Llm>(golden, name, entry);
                         }
                       });
  }
  golden.require_all_checked();
}

TEST_CASE("a text without visual tokens loses nothing", "[unit]") {
  Golden const weights("model/qwen2");
  GoldenQwen2 plain;
  load_golden_weights(plain, weights.with_prefix("w."));
  GoldenQwen2::With<AttentionDropping<after_three>> dropping;
  load_golden_weights(dropping, weights.with_prefix("w."));
  at::Tensor const embeddings = plain.embed(weights["in.prompt"]);
  DroppableSequence const text{embeddings.size(1), {}, {embeddings.size(1)}};
  auto const left = dropping.reduced_states(embeddings, std::span(&text, 1));
  CHECK((left.states - plain.hidden_states(embeddings)).abs().max().item<float>() < 1e-6F);
}

TEST_CASE("a later turn with visual tokens goes on from what the cache holds", "[unit]") {
  at::NoGradGuard const no_grad;
  using Llm = GoldenQwen2::With<UniformDropping<after_three>>;
  Golden const weights("model/qwen2");
  Llm llm;
  load_golden_weights(llm, weights.with_prefix("w."));
  at::Tensor const turn = formula({1, 20, Llm::hidden}, 5, 1.0);
  DroppableSequence const sequence{20, range(2, 16), {20}};
  Llm::Cache cache;
  llm.reduced_states(turn, std::span(&sequence, 1), &cache);
  llm.reduced_states(turn, std::span(&sequence, 1), &cache);
  CHECK(lengths_of(cache) == std::vector<std::int64_t>{40, 24, 16, 12});
  CHECK_THROWS_AS(llm.reduced_states(turn.expand({2, 20, Llm::hidden}),
                                     std::vector{sequence, sequence}, &cache),
                  Error);
}
