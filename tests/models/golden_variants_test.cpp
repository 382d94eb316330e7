#include <vcflash/models/video_chat.hpp>
#include <vcflash/tensor/placement.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <optional>

#include "tests/support/golden_dropping.hpp"
#include "tests/support/golden_internvideo2.hpp"
#include "tests/support/golden_models.hpp"
#include "tests/support/golden_samples.hpp"

using namespace vcflash;
using namespace vcflash::test;

/// The whole models of the golden data beside `vlm`: another resolution, another encoder, dropping.
namespace {

using Weights = std::map<std::string, at::Tensor>;

/// A case whose samples stand in `samples` or alone in `sample`.
nlohmann::json with_samples(nlohmann::json entry) {
  if (entry.contains("sample")) entry["samples"] = {entry.at("sample")};
  return entry;
}

/// Loss, logits, gradients and the norms of all of them.
template <class Model>
void compare_learning(Golden& golden, Model& model, std::string const& name,
                      nlohmann::json const& entry, std::optional<std::int64_t> pad = {}) {
  CAPTURE(name);
  auto const samples = golden_samples(golden, name, entry, pad);
  Embedded const batch = model.embed(samples);
  auto const [states, labels] = model.states_of(batch);
  at::Tensor const logits = model.llm.logits(states);
  auto const length = entry.contains("final_len") ? entry.at("final_len") : entry.at("seq_len");
  CHECK(logits.size(1) == length.template get<std::int64_t>());
  if (samples.size() == 1) {
    golden.check("out." + name + ".logits", logits, within(1e-4));
  } else {  // padding means nothing
    at::Tensor const lengths = at::tensor(batch.lengths).view({-1, 1, 1});
    at::Tensor const place = at::arange(logits.size(1)).view({1, -1, 1});
    golden.check_where("out." + name + ".logits", logits, place.lt(lengths), within(1e-4));
  }

  clear_gradients(model);
  at::Tensor const loss = model.loss(samples);
  golden.check("out." + name + ".loss", loss.view({1}), within(2e-5));
  CHECK(std::abs(loss.item<double>() - entry.at("loss").get<double>()) <= 2e-5);
  loss.backward();
  check_gradients(golden, "grad." + name + ".", model, within_relative_l2(3e-4));
  check_gradient_norms(entry.at("grad_l2"), model, 3e-4);
}

}  // namespace

TEST_CASE("a whole model at 448 pixels learns as upstream's in stage 4", "[golden]") {
  Golden golden("model/vlm448");
  VideoChat<GoldenUmt448, GoldenToMe, GoldenQwen2> model;
  load_golden_weights(model, Golden("model/vlm").with_prefix("w."));
  REQUIRE(golden.json().at("config").at("stage") == "stage4");
  set_trained(model.llm, false);
  for (auto const& [name, entry] : golden.json().at("cases").items()) {
    compare_learning(golden, model, name, with_samples(entry));
  }
  golden.require_all_checked();
}

TEST_CASE("a whole model with InternVideo2 learns as upstream's", "[golden]") {
  Golden golden("model/vlm_iv2");
  Weights weights = golden.with_prefix("w.");
  for (auto const& [key, tensor] : Golden("model/internvideo2").with_prefix("w.")) {
    weights["model.vision_tower." + key] = tensor;
  }
  Golden const vlm("model/vlm");
  auto const pad = vlm.json().at("config").at("pad_token_id").get<std::int64_t>();
  for (auto const& [key, tensor] : vlm.with_prefix("w.")) {
    bool const other_part =
        key.starts_with("model.vision_tower.") || key.starts_with("model.mm_projector.");
    if (!other_part) weights[key] = tensor;
  }
  using Connector = ToMe<ToMeConfig{.name = "golden ToMe", .input = 64, .output = 64, .heads = 4}>;
  VideoChat<GoldenInternVideo2, Connector, GoldenQwen2> model;
  load_golden_weights(model, weights);
  for (auto const& [name, entry] : golden.json().at("cases").items()) {
    compare_learning(golden, model, name, with_samples(entry), pad);
  }
  golden.require_all_checked();
}

TEST_CASE("a whole model that drops visual tokens learns and answers as upstream's", "[golden]") {
  Golden golden("model/vlm_flash");
  auto const weights = Golden("model/vlm").with_prefix("w.");
  for (auto const& [name, stored] : golden.json().at("cases").items()) {
    auto const entry = with_samples(stored);
    with_golden_policy(entry.at("type"), {1, 2, 3}, {1.0, 0.5, 0.25, 0.125}, [&]<class Policy>() {
      using Llm = GoldenQwen2::With<Policy>;
      VideoChat<GoldenUmt224, GoldenToMe, Llm> model;
      load_golden_weights(model, weights);
      auto const samples = golden_samples(golden, name, entry);
      Embedded const prompt = model.embed(samples);
      if (entry.contains("final_len")) {
        CHECK(prompt.lengths.at(0) == entry.at("len_before").get<std::int64_t>());
        auto const& visual = prompt.visual.at(0);
        CHECK(std::ssize(visual) == entry.at("num_image_token_lens")[0].get<std::int64_t>());
        CHECK(visual.front() == entry.at("first_image_token_position")[0].get<std::int64_t>());
        compare_learning(golden, model, name, entry);
        return;
      }
      at::NoGradGuard const no_grad;
      DroppableSequence const sequence{
          prompt.lengths.at(0), prompt.visual.at(0), {prompt.lengths.at(0)}};
      typename Llm::Cache cache;
      auto const left =
          model.llm.reduced_states(prompt.embeddings, std::span(&sequence, 1), &cache);
      CHECK(nlohmann::json(lengths_of(cache)) == entry.at("kv_len_after_prefill_per_layer"));
      at::Tensor const ids = golden["out." + name + ".ids"];
      at::Tensor const steps =
          decode_greedily(model.llm, model.llm.logits(left.states)[0][-1], cache, ids.size(0));
      golden.check("out." + name + ".step_logits", steps, within(1e-4));
      at::Tensor const chosen = steps.narrow(0, 0, ids.size(0));
      golden.check("out." + name + ".ids", chosen.argmax(-1), exactly);
      at::Tensor const margins = at::tensor(entry.at("gen_margin").get<std::vector<double>>());
      CHECK((margins_of(chosen).to(at::kCPU, at::kDouble) - margins).abs().max().item<double>() <=
            2e-4);
    });
  }
  golden.require_all_checked();
}
