#include <vcflash/kernels/cross_entropy.hpp>
#include <vcflash/layers/lora.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/train/trainer.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_all.hpp>
#include <chrono>
#include <csignal>
#include <map>
#include <string>
#include <vector>

#include <vcflash/checkpoint/adapter.hpp>
#include <vcflash/dist/process_group.hpp>
#include "tests/checkpoint/small_recipe.hpp"
#include "tests/dist/as_ranks.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/golden_models.hpp"
#include "tests/train/in_memory.hpp"

using namespace vcflash;
using namespace vcflash::train;

namespace {

using GoldenBase = Qwen2<DecoderConfig{.name = "golden Qwen2",
                                       .hidden = 64,
                                       .layers = 2,
                                       .heads = 4,
                                       .kv_heads = 2,
                                       .intermediate = 96,
                                       .vocabulary = 320}>;
using GoldenLora = GoldenBase::With<Lora<4, 8>>;
std::string const peft = "base_model.model.";

/// The mean loss of the golden batch.
template <class L>
at::Tensor loss_of(L const& llm, test::Golden const& golden, at::Tensor* logits = nullptr) {
  at::Tensor const all = llm.logits(llm.hidden_states(llm.embed(golden["in.input_ids"])));
  if (logits) *logits = all;
  at::Tensor const next = golden["in.labels"].slice(1, 1), counted = next.ne(ignore_label);
  return kernels::cross_entropy(all.narrow(1, 0, next.size(1)).index({counted}),
                                next.index({counted}));
}

using Base = test::SmallRecipe<VisualPretraining>;
struct small_lora : Training<WithLlmPolicy<test::Small<>, Lora<2>>, LoraSft> {};

template <class R>
RunConfig settings(std::vector<std::string> const& more = {}) {
  auto config = default_config<R>();
  for (std::string const setting :
       {"train.dtype=float32", "train.global_batch=6", "train.micro_batch=3", "train.max_steps=6",
        "train.learning_rate=1e-3", "train.warmup_ratio=0.1", "checkpoint.every_steps=0",
        "checkpoint.every_minutes=0"}) {
    overlay_setting(config, setting);
  }
  for (auto const& setting : more) overlay_setting(config, setting);
  return config;
}

template <int stage>
struct small_lora_sharded : small_lora {
  using Sharding = Zero<stage>;
};

/// Every micro batch goes to the next rank.
class DealtOut {
 public:
  explicit DealtOut(dist::ProcessGroup const& group)
      : group_(group),
        all_(test::random_samples(5, 3, Base::Encoder::resolution, Base::Llm::vocabulary)) {}

  std::vector<Sample> next() {
    std::vector<Sample> own;
    for (std::int64_t rank = 0; rank < group_.size(); ++rank) {
      auto batch = all_.next();
      if (rank == group_.rank()) own = std::move(batch);
    }
    return own;
  }
  data::Position position() const { return all_.position(); }
  void seek(data::Position position) { all_.seek(position); }
  std::int64_t batches_per_epoch() const { return all_.batches_per_epoch(); }

 private:
  dist::ProcessGroup const& group_;
  test::InMemory all_;
};

/// Trains on two ranks, and compares the adapter that they leave.
template <class R>
void check_two_ranks(std::filesystem::path const& out, RunFiles files,
                     checkpoint::Adapter const& expected) {
  files.out = out;
  auto const failures = test::as_ranks(2, std::chrono::seconds(60), [&](dist::ProcessGroup& group) {
    DealtOut source(group);
    Trainer<R> trainer(settings<R>({"train.global_batch=12"}), files, {}, {}, &group);
    trainer.run(source);
  });
  for (auto const& failure : failures) CHECK(failure == "");
  auto const found = checkpoint::read_adapter(out);
  REQUIRE(found.tensors.size() == expected.tensors.size());
  for (auto const& [key, tensor] : expected.tensors) {
    CAPTURE(key);
    CHECK((found.tensors.at(key) - tensor).abs().max().template item<double>() < 1e-5);
  }
}

/// Trains in `out`, ending as a SIGTERM after `stop_after` steps would.
template <class R>
std::map<std::string, at::Tensor> train_in(std::filesystem::path const& out,
                                           RunConfig const& config, RunFiles files = {.out = {}},
                                           std::int64_t stop_after = 0) {
  files.out = out;
  auto source = test::random_samples(5, 3, R::Encoder::resolution, R::Llm::vocabulary);
  Callbacks callbacks;
  callbacks.on_step = [&](StepReport const& report) {
    if (report.step == stop_after) std::raise(SIGTERM);
  };
  Trainer<R> trainer(config, files, {}, callbacks);
  trainer.run(source);
  std::map<std::string, at::Tensor> values;
  for (auto const& [key, tensor] : named_parameters(trainer.network())) {
    values.emplace(key, tensor.detach().clone());
  }
  return values;
}

}  // namespace

TEST_CASE("an adapter of PEFT gives its logits, gradients, steps of AdamW and merged weights",
          "[golden]") {
  std::string const folder = "families/qwen2_lora/";
  test::Golden golden(folder + "expected");
  auto const base = test::read_golden_safetensors(folder + "model.safetensors");
  auto const json = test::golden_json(folder + "adapter_config.json");
  constexpr LoraConfig lora = adapter_of<WithLlmPolicy<test::Small<>, Lora<4, 8>>>();
  REQUIRE(json.at("r") == lora.rank);
  REQUIRE(json.at("lora_alpha") == lora.alpha);
  CHECK(test::golden_json(folder + "config.json").at("hidden_size") == GoldenLora::hidden);
  checkpoint::Adapter adapter{{.rank = lora.rank, .alpha = static_cast<double>(lora.alpha)}, {}};
  for (auto const& [key, tensor] :
       test::read_golden_safetensors(folder + "adapter_model.safetensors")) {
    adapter.tensors.emplace(key.substr(peft.size()), tensor);
  }

  GoldenLora llm;
  auto const parameters = parameters_of(llm);
  auto const report =
      checkpoint::load_parameters(parameters, {base.begin(), base.end()}, at::kFloat);
  CHECK(report.complete());
  checkpoint::apply_adapter(parameters, adapter, at::kFloat, folder);
  set_trained(llm, true);
  at::Tensor logits;
  at::Tensor loss = loss_of(llm, golden, &logits);
  golden.check("out.logits", logits, test::within(5e-5));
  golden.check("out.loss", loss.view({1}), test::within(1e-5));
  torch::autograd::backward({loss}, {});
  ParameterGroup group;
  group.learning_rate = 5e-3;
  for (auto const& parameter : parameters) {
    if (!parameter.value->requires_grad()) {
      CHECK_FALSE(parameter.added);
      CHECK_FALSE(parameter.value->grad().defined());
      continue;
    }
    group.names.push_back(parameter.key);
    group.parameters.push_back(*parameter.value);
    if (auto const name = "grad." + peft + parameter.key;
        golden.json().at("tensors").contains(name)) {
      golden.check(name, parameter.value->grad(), test::within_relative_l2(1e-4));
    }
    parameter.value->mutable_grad().reset();
  }

  AdamW optimizer({group}, {.several_passes = false});
  std::vector<at::Tensor> losses;
  for (int step = 0; step < 6; ++step) {
    loss = loss_of(llm, golden);
    losses.push_back(loss.detach());
    torch::autograd::backward({loss}, {});
    optimizer.take_gradients();
    optimizer.step(1);
    optimizer.forget_gradients();
  }
  golden.check("out.losses", at::stack(losses), test::within(2e-5));
  checkpoint::Adapter trained{adapter.config, {}};
  for (auto const& parameter : parameters) {
    if (!parameter.added) continue;
    trained.tensors.emplace(parameter.key, parameter.value->detach());
    if (auto const name = "after." + peft + parameter.key;
        golden.json().at("tensors").contains(name)) {
      golden.check(name, *parameter.value, test::within_relative_l2(1e-3));
    }
  }
  GoldenBase merged;
  auto const plain = parameters_of(merged);
  checkpoint::load_parameters(plain, {base.begin(), base.end()}, at::kFloat);
  checkpoint::apply_adapter(plain, trained, at::kFloat, folder);
  loss_of(merged, golden, &logits);
  at::Tensor beside;
  loss_of(llm, golden, &beside);
  CHECK((logits - beside).abs().max().item<double>() < 5e-5);
  // Six steps of AdamW, whose first ones divide small gradients by their own size, lie behind
  // these.
  golden.check("out.merged.logits", logits, test::within(1e-3));
  golden.check("after.merged.q_proj", merged.model.layers[0].self_attn.q_proj.weight.value,
               test::within(2e-5));
  golden.require_all_checked({"out.", "grad.", "after."});
}

TEST_CASE("a training with adapters leaves PEFT's files and the base as it was", "[unit]") {
  test::TemporaryFolder const folder;
  auto const base = train_in<Base>(folder / "base", settings<Base>());
  auto const learned = train_in<small_lora>(folder / "lora", settings<small_lora>(),
                                            {.out = {}, .init = folder / "base"});
  for (auto const& [key, tensor] : base) {
    bool const connector = key.find("mm_projector") != key.npos;
    CAPTURE(key);
    CHECK(learned.at(key).equal(tensor) == !connector);
  }
  CHECK_FALSE(checkpoint::has_weights(folder / "lora"));
  auto const adapter = checkpoint::read_adapter(folder / "lora");
  CHECK(adapter.config.rank == 2);
  CHECK(adapter.config.scaling() == 2);
  CHECK(checkpoint::source_of(folder / "lora").weights == folder / "base");
  std::size_t matrices = 0;
  for (auto const& [key, tensor] : adapter.tensors) {
    CHECK(learned.at(key).equal(tensor));
    matrices += key.find(".lora_") == key.npos ? 0 : 1;
  }
  CHECK(matrices == 2 * 7 * 2);
  CHECK(adapter.tensors.size() == matrices + 4);  // and the connector

  // A plain network with the adapter merged sees what the trained one sees.
  Base::Network merged;
  small_lora::Network adapted;
  load_weights<Base>(merged, start_of({.out = {}, .init = folder / "lora"}), settings<Base>());
  load_weights<small_lora>(adapted, start_of({.out = {}, .init = folder / "lora"}),
                           settings<small_lora>());
  auto source = test::random_samples(1, 3, Base::Encoder::resolution, Base::Llm::vocabulary);
  auto const batch = source.next();
  CHECK(std::abs(merged.loss(batch).item<double>() - adapted.loss(batch).item<double>()) < 1e-5);
}

TEST_CASE("an adapter of another alpha is refused where it would be trained on", "[unit]") {
  test::TemporaryFolder const folder;
  Base::Network network;
  initialize_model<Base>(network, 1);
  std::filesystem::create_directories(folder / "base");
  checkpoint::save_weights(named_parameters(network), folder / "base");
  std::filesystem::create_directories(folder / "lora");
  checkpoint::save_adapter({{"x.lora_A.weight", at::zeros({2, 1})}},
                           {.rank = 2, .alpha = 16, .base = (folder / "base").string()},
                           folder / "lora");
  small_lora::Network adapted;
  CHECK_THROWS_WITH(
      load_weights<small_lora>(adapted, start_of({.out = {}, .init = folder / "lora"}),
                               settings<small_lora>()),
      Catch::Matchers::ContainsSubstring("scaled by 8"));
}

TEST_CASE("a training with adapters that was stopped ends bit for bit as one that was not",
          "[unit]") {
  test::TemporaryFolder const folder;
  train_in<Base>(folder / "base", settings<Base>());
  RunFiles const files{.out = {}, .init = folder / "base"};
  auto const config = settings<small_lora>({"checkpoint.every_steps=2"});
  auto const whole = train_in<small_lora>(folder / "whole", config, files);
  train_in<small_lora>(folder / "stopped", config, files, 3);
  auto const taken_up = train_in<small_lora>(folder / "stopped", config, files);
  for (auto const& [key, tensor] : whole) CHECK(taken_up.at(key).equal(tensor));
  // What lies on the disk meanwhile is small.
  auto const newest = running_checkpoints(folder / "whole").front().folder;
  CHECK_FALSE(checkpoint::has_weights(newest));
  CHECK(checkpoint::has_adapter(newest));
}

TEST_CASE("adapters are trained alike by one process and by two at every ZeRO stage", "[unit]") {
  test::TemporaryFolder const folder;
  train_in<Base>(folder / "base", settings<Base>());
  RunFiles const files{.out = {}, .init = folder / "base"};
  train_in<small_lora>(folder / "one", settings<small_lora>({"train.global_batch=12"}), files);
  auto const expected = checkpoint::read_adapter(folder / "one");
  check_two_ranks<small_lora_sharded<0>>(folder / "zero0", files, expected);
  check_two_ranks<small_lora_sharded<1>>(folder / "zero1", files, expected);
  check_two_ranks<small_lora_sharded<2>>(folder / "zero2", files, expected);
  check_two_ranks<small_lora_sharded<3>>(folder / "zero3", files, expected);
}
