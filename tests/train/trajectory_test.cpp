#include <vcflash/train/trainer.hpp>

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <map>
#include <string>

#include <vcflash/checkpoint/safetensors.hpp>
#include "tests/support/folder.hpp"
#include "tests/support/golden_models.hpp"
#include "tests/support/golden_samples.hpp"
#include "tests/train/in_memory.hpp"

using namespace vcflash;
using namespace vcflash::train;

namespace {

/// The golden model under a stage of vcflash's own.
template <class S>
struct GoldenRecipe
    : Training<ModelOf<test::GoldenUmt224, test::GoldenToMe, test::GoldenQwen2>, S> {
  static constexpr Name name = "golden";
};

std::vector<std::vector<Sample>> micro_batches(test::Golden const& golden, std::string const& name,
                                               nlohmann::json const& entry, std::int64_t pad) {
  std::vector<std::vector<Sample>> batches;
  for (auto const& samples : entry.at("micro_batches")) {
    auto const prefix = fmt::format("in.{}.mb{}.", name, batches.size());
    auto& batch = batches.emplace_back();
    for (std::size_t i = 0; i < samples.size(); ++i) {
      auto const row = static_cast<std::int64_t>(i);
      auto const ids = golden[prefix + "input_ids"][row], labels = golden[prefix + "labels"][row];
      auto const real = ids.ne(pad);
      batch.push_back(
          test::golden_sample(samples[i], ids.masked_select(real), labels.masked_select(real)));
    }
  }
  return batches;
}

RunConfig settings_of(nlohmann::json const& golden, nlohmann::json const& entry,
                      Hyperparameters const& stage) {
  auto const number = [](nlohmann::json const& value) {
    return value.is_null() ? 0.0 : value.get<double>();
  };
  bool const one_rate = entry.value("single", false);  // then no part has a rate of its own
  RunConfig run{.recipe = stage};
  run.recipe.learning_rate = number(entry.at("lr"));
  run.recipe.encoder_learning_rate = one_rate ? 0 : number(entry.at("vlr"));
  run.recipe.connector_learning_rate = one_rate ? 0 : number(entry.at("plr"));
  run.recipe.weight_decay = number(entry.at("wd"));
  run.recipe.beta1 = golden.at("optimizer").at("betas")[0];
  run.recipe.beta2 = golden.at("optimizer").at("betas")[1];
  run.recipe.epsilon = golden.at("optimizer").at("eps");
  run.recipe.clip_norm = golden.at("max_grad_norm");
  run.recipe.warmup_ratio = golden.at("schedule").at("warmup_ratio");
  run.recipe.max_steps = golden.at("steps");
  run.recipe.micro_batch = 1;
  run.global_batch = golden.at("gradient_accumulation");
  run.recipe.save_every = 0;
  return run;
}

void check_groups(std::vector<ParameterGroup> const& groups, nlohmann::json const& entry) {
  auto const plain = [](std::vector<std::string> names) {
    std::ranges::sort(names);
    return names;
  };
  auto const& stored = entry.at("groups");
  if (entry.value("single", false)) {  // upstream's one group is our first two, of one rate
    REQUIRE(groups.size() == 2);
    auto names = groups[0].names;
    names.insert(names.end(), groups[1].names.begin(), groups[1].names.end());
    CHECK(plain(names) == plain(stored.at(0).at("names").get<std::vector<std::string>>()));
    return;
  }
  REQUIRE(groups.size() == stored.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    CAPTURE(g);
    CHECK(groups[g].learning_rate == stored[g].at("lr").get<double>());
    CHECK(groups[g].weight_decay == stored[g].at("weight_decay").get<double>());
    CHECK(groups[g].names.size() == stored[g].at("n_tensors").get<std::size_t>());
    CHECK(plain(groups[g].names) == plain(stored[g].at("names").get<std::vector<std::string>>()));
  }
}

void check_step(StepReport const& report, nlohmann::json const& stored,
                std::vector<ParameterGroup> const& groups, double base_rate) {
  CAPTURE(report.step);
  auto const near = [](double value, nlohmann::json const& expected, double tolerance) {
    CHECK(std::abs(value - expected.get<double>()) <= tolerance);
  };
  CHECK(stored.at("step") == report.step);
  near(report.loss, stored.at("loss"), 5e-5);
  REQUIRE(report.micro_losses.size() == stored.at("micro_losses").size());
  for (std::size_t i = 0; i < report.micro_losses.size(); ++i) {
    near(report.micro_losses[i], stored.at("micro_losses")[i], 5e-5);
  }
  auto const norm = stored.at("grad_norm").get<double>();
  near(report.gradient_norm, stored.at("grad_norm"), 2e-4 * norm);
  auto const& rates = stored.at("lr");
  for (std::size_t g = 0; g < rates.size(); ++g) {
    auto const rate = report.learning_rate / base_rate * groups[g].learning_rate;
    near(rate, rates[g], 1e-12 * groups[g].learning_rate);
  }
}

template <class S>
void check_case(test::Golden& golden, std::map<std::string, at::Tensor> const& weights,
                std::string const& name, std::int64_t pad, bool recompute) {
  using R = GoldenRecipe<S>;
  CAPTURE(name, recompute);
  auto const& entry = golden.json().at("cases").at(name);
  test::TemporaryFolder const folder;
  std::filesystem::create_directory(folder / "base");
  NamedTensors named;
  for (auto const& [key, tensor] : weights) named.emplace_back(key, tensor.cpu());
  checkpoint::write_safetensors(folder / "base/model.safetensors", named);

  auto run = settings_of(golden.json(), entry, S::defaults);
  run.recipe.gradient_checkpointing = recompute;
  std::vector<StepReport> reports;
  Callbacks callbacks;
  callbacks.on_step = [&](StepReport const& report) { reports.push_back(report); };
  Trainer<R> trainer(run, {.out = folder / "out", .init = folder / "base"}, {}, callbacks, nullptr,
                     test::test_device());
  check_groups(trainer.optimizer().groups(), entry);
  test::InMemory source(micro_batches(golden, name, entry, pad));
  trainer.run(source);

  auto const& steps = entry.at("steps");
  REQUIRE(reports.size() == steps.size());
  for (std::size_t s = 0; s < steps.size(); ++s) {
    check_step(reports[s], steps[s], trainer.optimizer().groups(), run.recipe.learning_rate);
  }

  auto const& final = entry.at("final");
  std::size_t trained = 0;
  for (auto const& [key, tensor] : named_parameters(trainer.network())) {
    CAPTURE(key);
    at::Tensor const delta = tensor.detach() - weights.at(key);
    if (!final.contains(key)) {
      CHECK(delta.abs().max().template item<float>() == 0);
      continue;
    }
    ++trained;
    // The tolerance of the golden file: Adam turns rounding of tiny gradients into whole steps,
    // in single elements fully, and fp32 weights round small steps.
    auto const relative =
        5 * final.at(key).at("delta_rel_l2_dev_fp32_vs_fp64").template get<double>() + 2e-3;
    auto const moved = final.at(key).at("delta_l2").template get<double>();
    golden.check("out." + name + ".delta." + key, delta, test::within_relative_l2(relative));
    CHECK(std::abs(delta.norm().template item<double>() - moved) <= relative * moved);
    auto const norm = tensor.detach().norm().template item<double>();
    test::check_checksum(final.at(key).at("final"), tensor,
                         test::within_relative_l2(relative * moved / norm + 1e-7));
  }
  CHECK(trained == final.size());
}

/// A case's name in the golden file is that of its stage, maybe with a variant behind it.
void check_any(test::Golden& golden, std::map<std::string, at::Tensor> const& weights,
               std::string const& name, std::int64_t pad, bool recompute) {
  auto const stage = golden.json().at("cases").at(name).at("stage").get<std::string>();
  if (stage == "stage1") return check_case<ConnectorInit>(golden, weights, name, pad, recompute);
  if (stage == "stage2") {
    return check_case<VisualPretraining>(golden, weights, name, pad, recompute);
  }
  if (stage == "stage3") return check_case<VideoSft>(golden, weights, name, pad, recompute);
  REQUIRE(stage == "stage4");
  check_case<HighResPostSft>(golden, weights, name, pad, recompute);
}

}  // namespace

TEST_CASE("twelve steps of each stage go as upstream's", "[golden]") {
  test::Golden golden("model/train_trajectory");
  test::Golden const initial("model/vlm");
  auto const pad = initial.json().at("config").at("pad_token_id").get<std::int64_t>();
  auto const weights = initial.with_prefix("w.");
  REQUIRE_FALSE(golden.json().at("cases").empty());
  for (auto const& [name, entry] : golden.json().at("cases").items()) {
    check_any(golden, weights, name, pad, false);
  }
  golden.require_all_checked();
}

TEST_CASE("twelve steps with recomputed layers go as upstream's", "[golden]") {
  test::Golden golden("model/train_trajectory");
  test::Golden const initial("model/vlm");
  auto const pad = initial.json().at("config").at("pad_token_id").get<std::int64_t>();
  for (std::string const name : {"stage2", "stage4"}) {
    check_any(golden, initial.with_prefix("w."), name, pad, true);
  }
}
