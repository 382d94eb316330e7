#include <vcflash/models/video_chat.hpp>
#include <vcflash/tensor/initialize.hpp>
#include <vcflash/tensor/placement.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/stack.h>

#include <cmath>

#include "tests/support/golden_models.hpp"
#include "tests/support/golden_samples.hpp"

using namespace vcflash;
using namespace vcflash::test;

TEST_CASE("a whole model splices, predicts and learns as upstream's", "[golden]") {
  Golden golden("model/vlm");
  GoldenVideoChat model;
  load_golden_weights(model, golden.with_prefix("w."));

  for (auto const& [name, entry] : golden.json().at("cases").items()) {
    if (name.starts_with("gen_")) continue;
    CAPTURE(name);
    auto const samples = golden_samples(golden, name, entry);
    Embedded const batch = model.embed(samples);
    golden.check("out." + name + ".inputs_embeds", batch.embeddings, within(2e-5));
    golden.check("out." + name + ".labels_after", batch.labels, exactly);
    at::Tensor const lengths = at::tensor(batch.lengths).unsqueeze(1);
    at::Tensor const mask = at::arange(batch.labels.size(1)).unsqueeze(0).lt(lengths);
    golden.check("out." + name + ".mask_after", mask, exactly);
    at::Tensor const logits = model.llm.logits(model.llm.hidden_states(batch.embeddings));
    golden.check("out." + name + ".logits", logits * mask.unsqueeze(-1).to(test_device()),
                 within(1e-4));

    clear_gradients(model);
    at::Tensor const loss = model.loss(samples);
    golden.check("out." + name + ".loss", loss.view({1}), within(2e-5));
    CHECK(std::abs(loss.item<double>() - entry.at("loss").get<double>()) <= 2e-5);
    loss.backward();
    check_gradients(golden, "grad." + name + ".", model, within_relative_l2(3e-4));
    auto const& norms = entry.at("per_tensor_grad_l2");
    if (!norms.is_null()) check_gradient_norms(norms, model, 3e-4);
  }

  for (auto const& [name, entry] : golden.json().at("cases").items()) {
    if (!name.starts_with("gen_")) continue;
    CAPTURE(name);
    auto const samples = golden_samples(golden, name, entry);
    at::Tensor const ids = golden["out." + name + ".ids"];
    std::string const stored = "out." + name + ".logits";
    GoldenQwen2::Cache cache;
    at::Tensor embeddings = model.embed(samples).embeddings;
    std::vector<at::Tensor> steps;
    for (std::int64_t i = 0; i < golden[stored].size(0); ++i) {
      steps.push_back(model.llm.logits(model.llm.hidden_states(embeddings, &cache)[0][-1]));
      embeddings = model.llm.embed(steps.back().argmax().view({1, 1}));
    }
    at::Tensor const logits = at::stack(steps);
    golden.check(stored, logits, within(1e-4));
    at::Tensor const chosen = logits.narrow(0, 0, ids.size(0));
    golden.check("out." + name + ".ids", chosen.argmax(-1), exactly);
    CHECK(at::tensor(entry.at("ids").get<std::vector<std::int64_t>>()).equal(ids.cpu()));
    at::Tensor const best = std::get<0>(chosen.topk(2, -1)).detach().to(at::kCPU, at::kDouble);
    at::Tensor const margins = at::tensor(entry.at("margins").get<std::vector<double>>());
    CHECK((best.select(1, 0) - best.select(1, 1) - margins).abs().max().item<double>() <= 2e-4);
  }
  golden.require_all_checked();
}

TEST_CASE("each stage has upstream's gradient norm over what it trains", "[golden]") {
  Golden golden("model/vlm");
  GoldenVideoChat model;
  load_golden_weights(model, golden.with_prefix("w."));
  for (auto const& [name, entry] : golden.json().at("cases").items()) {
    if (!entry.contains("stages")) continue;
    auto const samples = golden_samples(golden, name, entry);
    for (auto const& [stage, expected] : entry.at("stages").items()) {
      CAPTURE(name, stage);
      auto const parts = golden.json().at("tune_parts").at(stage).get<std::string>();
      set_trained(model.encoder, parts.find("mm_vision_tower") != std::string::npos);
      set_trained(model.connector, parts.find("mm_mlp_adapter") != std::string::npos);
      set_trained(model.llm, parts.find("mm_language_model") != std::string::npos);
      clear_gradients(model);
      at::Tensor const loss = model.loss(samples);
      if (loss.requires_grad()) loss.backward();
      double squares = 0;
      for_each_parameter(model, [&](std::string const&, auto const& parameter) {
        if (parameter.value.grad().defined()) {
          squares += std::pow(parameter.value.grad().norm().template item<double>(), 2);
        }
      });
      double const norm = expected.at("global_grad_norm").get<double>();
      CHECK(std::abs(std::sqrt(squares) - norm) <= 3e-4 * norm);
    }
  }
}

TEST_CASE("a whole model in bf16 loses as much as in fp32, though it merges other tokens",
          "[golden]") {
  Golden golden("model/vlm");
  auto const samples = golden_samples(golden, "d_mixed", golden.json().at("cases").at("d_mixed"));
  struct Outcome {
    at::Tensor logits, loss;
    std::map<std::string, at::Tensor> gradients;
  };
  auto const outcome = [&](at::ScalarType dtype) {
    GoldenVideoChat model;
    load_golden_weights(model, golden.with_prefix("w."));
    convert_to(model, dtype);
    set_trained(model, true);
    Outcome result;
    result.logits = model.llm.logits(model.states_of(model.embed(samples)).first).to(at::kFloat);
    result.loss = model.loss(samples);
    result.loss.backward();
    for_each_parameter(model, [&](std::string const& key, auto const& parameter) {
      at::Tensor const& gradient = parameter.value.grad();
      if (gradient.defined()) result.gradients[key] = gradient.to(at::kFloat);
    });
    return result;
  };
  auto const exact = outcome(at::kFloat), rounded = outcome(at::kBFloat16);
  auto const error = [](at::Tensor const& a, at::Tensor const& b) {
    return (a - b).norm().item<double>() / b.norm().item<double>();
  };
  // Of rounded features ToMe merges other tokens, as upstream's does.
  CHECK(error(rounded.logits, exact.logits) < 0.3);
  CHECK(error(rounded.loss, exact.loss) < 0.003);
  double squares = 0, all = 0;
  REQUIRE(rounded.gradients.size() == exact.gradients.size());
  for (auto const& [key, gradient] : exact.gradients) {
    squares += std::pow((rounded.gradients.at(key) - gradient).norm().item<double>(), 2);
    all += std::pow(gradient.norm().item<double>(), 2);
  }
  CHECK(std::sqrt(squares / all) < 0.2);
}

TEST_CASE("a batch gives each conversation what it gives alone", "[unit]") {
  Golden golden("model/vlm");
  GoldenVideoChat model;
  load_golden_weights(model, golden.with_prefix("w."));
  auto const samples = golden_samples(golden, "d_mixed", golden.json().at("cases").at("d_mixed"));
  Embedded const together = model.embed(samples);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    Embedded const alone = model.embed(std::span(&samples[i], 1));
    at::Tensor const row =
        together.embeddings[static_cast<std::int64_t>(i)].narrow(0, 0, alone.lengths[0]);
    CHECK((row - alone.embeddings[0]).abs().max().item<float>() < 1e-5F);
  }
}

TEST_CASE("a conversation longer than allowed is cut after its media are in place", "[unit]") {
  Golden golden("model/vlm");
  GoldenVideoChat model;
  load_golden_weights(model, golden.with_prefix("w."));
  auto const samples = golden_samples(golden, "a_video8", golden.json().at("cases").at("a_video8"));
  Embedded const whole = model.embed(samples);
  Embedded const cut = model.embed(samples, 140);
  CHECK(cut.lengths == std::vector<std::int64_t>{140});
  CHECK(cut.embeddings.equal(whole.embeddings.narrow(1, 0, 140)));
  CHECK(cut.labels.equal(whole.labels.narrow(1, 0, 140)));
}

TEST_CASE("a placeholder without its medium is an error, not a wrong answer", "[unit]") {
  GoldenVideoChat model;
  initialize(model, {}, 3);
  Sample sample{.input_ids = at::tensor(std::vector<std::int64_t>{1, media_placeholder, 2}),
                .labels = {},
                .media = {}};
  CHECK_THROWS_AS(model.embed(std::span(&sample, 1)), Error);
}
