#include <vcflash/train/plan.hpp>

#include <malloc.h>

#include <ATen/ops/empty.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <vcflash/base/process_memory.hpp>
#include <vcflash/connectors/tome.hpp>
#include <vcflash/dist/launch.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>

#include "tests/dist/free_port.hpp"
#include "tests/support/medium_decoder.hpp"
#include "tests/support/program.hpp"

using namespace vcflash;
using namespace vcflash::train;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

/// Large enough that a step's memory stands out from what a process has anyway.
struct Medium24M : ModelOf<Umt<UmtConfig{.name = "medium encoder",
                                         .resolution = 64,
                                         .patch = 8,
                                         .width = 256,
                                         .depth = 5,
                                         .heads = 4,
                                         .position_resolution = 64}>,
                           ToMeKind<8, 16, "ToMe8">, Qwen2<test::medium_decoder>> {};

struct ConnectorOnly : Training<Medium24M, ConnectorInit> {
  static constexpr Name name = "connector_only";
};
struct Everything : Training<Medium24M, VisualPretraining> {
  static constexpr Name name = "everything";
};
struct FrozenLlm : Training<Medium24M, HighResPostSft> {
  static constexpr Name name = "frozen_llm";
};
struct ShardedGradients : Training<Medium24M, VisualPretraining> {
  static constexpr Name name = "sharded_gradients";
  using Sharding = Zero<2>;
};
struct ShardedWeights : Training<Medium24M, VisualPretraining> {
  static constexpr Name name = "sharded_weights";
  using Sharding = Zero<3>;
};

template <class R>
RunConfig small_run(std::vector<std::string> const& more = {}) {
  auto config = default_config<R>();
  config.recipe.max_frames = 8;
  config.recipe.min_frames = 4;
  config.global_batch = 4;
  config.recipe.micro_batch = 2;
  for (auto const& setting : more) overlay_setting(config, setting);
  return config;
}

/// What a process says of itself after a real step.
struct Measured {
  std::int64_t peak = 0;             ///< bytes of resident memory beyond those of the program
  std::int64_t optimizer_state = 0;  ///< AdamW::state_bytes
  std::int64_t weights = 0;          ///< bytes between steps
};

/// A training whose plan is compared with what it takes.
struct Case {
  Plan (*plan)(RunConfig const&, PlanRequest const&);
  Measured (*measure)(RunConfig const&, PlanRequest const&, dist::ProcessGroup*);
  RunConfig config;
  PlanRequest request;
};

template <class R>
Measured step(RunConfig const& config, PlanRequest const& request, dist::ProcessGroup* group) {
  typename R::Network network;
  for (auto const& parameter : parameters_of(network)) {
    *parameter.value = at::empty(parameter.shape, config.dtype);
    parameter.value->normal_(0, 0.02);
  }
  Trainer<R> trainer(std::move(network), config, group);
  auto const batch = planned_batch(config, request, encoder_facts<typename R::Encoder>(),
                                   R::Connector::tokens(R::Encoder::clip));
  train::detail::PlannedBatches batches(batch, at::kCPU);
  auto const report = trainer.rehearse(batches);
  if (!report.skipped.empty()) fail("the loss is not finite");
  Measured measured{.peak = peak_memory_mib() << 20,
                    .optimizer_state = trainer.optimizer().state_bytes()};
  measured.weights = trainer.sharded_parameters() != nullptr
                         ? trainer.sharded_parameters()->bytes()
                         : parameter_bytes(const_cast<typename R::Network&>(trainer.network()));
  return measured;
}

template <class R>
Measured measure(RunConfig const& config, PlanRequest const& request, dist::ProcessGroup* group) {
  auto measured = step<R>(config, request, group);
  // What is left is the program: its code, that of matrix products, its threads.
  ::malloc_trim(0);
  measured.peak -= resident_memory_mib() << 20;
  return measured;
}

template <class R>
Case make_case(std::vector<std::string> const& more, PlanRequest request = {.text = 100}) {
  return {plan_of<R>, measure<R>, small_run<R>(more), request};
}

Case case_of(std::string const& name) {
  std::string const fp32 = "train.dtype=float32", once = "train.gradient_checkpointing=false";
  PlanRequest const two{.text = 100, .processes = 2};
  std::map<std::string, std::function<Case()>> const cases{
      {"connector, fp32",
       [&] {
         return make_case<ConnectorOnly>({fp32, once});
       }},
      {"everything, fp32",
       [&] {
         return make_case<Everything>({fp32, once});
       }},
      {"everything, bf16, checkpointed", [&] { return make_case<Everything>({}); }},
      {"frozen LLM, bf16",
       [&] {
         return make_case<FrozenLlm>({once, "train.micro_batch=4", "train.global_batch=4"});
       }},
      {"ZeRO-1, fp32", [&] { return make_case<Everything>({fp32}, two); }},
      {"ZeRO-2, bf16", [&] { return make_case<ShardedGradients>({}, two); }},
      {"ZeRO-3, fp32", [&] { return make_case<ShardedWeights>({fp32}, two); }}};
  return cases.at(name)();
}

/// A case in a process of its own, or in several. Tensors of full-size models have pages of their
/// own; here they get them, too.
Measured measured(std::string const& name, std::int64_t processes = 1) {
  auto const port = test::free_port();
  std::vector<test::Outcome> outcomes(static_cast<std::size_t>(processes));
  std::vector<std::thread> waiting;
  for (std::size_t rank = 0; rank < outcomes.size(); ++rank) {
    auto const environment = processes == 1
                                 ? std::string()
                                 : "RANK=" + std::to_string(rank) +
                                       " WORLD_SIZE=" + std::to_string(processes) +
                                       " MASTER_ADDR=127.0.0.1 MASTER_PORT=" + std::to_string(port);
    auto const line = environment + " MALLOC_MMAP_THRESHOLD_=65536 VCFLASH_PLAN_CASE='" + name +
                      "' '" + std::filesystem::read_symlink("/proc/self/exe").string() +
                      "' 'a step is measured'";
    waiting.emplace_back([&outcomes, rank, line] { outcomes[rank] = test::run_command(line); });
  }
  for (auto& thread : waiting) thread.join();
  auto const& output = outcomes.front().output;
  CAPTURE(name, output);
  REQUIRE(outcomes.front().exit_code == 0);
  Measured result;
  std::istringstream numbers(output.substr(output.find("measured ") + 9));
  numbers >> result.peak >> result.optimizer_state >> result.weights;
  return result;
}

void check_within(std::int64_t percent, std::int64_t planned, std::int64_t found) {
  CAPTURE(planned, found);
  CHECK(planned > found * (100 - percent) / 100);
  CHECK(planned < found * (100 + percent) / 100);
}

void check_step(std::string const& name) {
  CAPTURE(name);
  auto const one = case_of(name);
  auto const found = measured(name);
  REQUIRE(found.peak > 100'000'000);
  check_within(10, one.plan(one.config, one.request).peak.total(), found.peak);
}

}  // namespace

// Asked for by name, in a process of its own, by the tests below.
TEST_CASE("a step is measured", "[.][unit]") {
  char const* const name = std::getenv("VCFLASH_PLAN_CASE");
  if (name == nullptr) SKIP("no case is named");
  auto const one = case_of(name);
  auto const launch = dist::Launch::from_environment();
  std::optional<dist::ProcessGroup> group;
  if (!launch.alone()) group.emplace(launch, std::chrono::seconds(60));
  auto const found = one.measure(one.config, one.request, group ? &*group : nullptr);
  if (group) group->finish();
  std::printf("measured %lld %lld %lld\n", static_cast<long long>(found.peak),
              static_cast<long long>(found.optimizer_state), static_cast<long long>(found.weights));
}

// A test each: products of bf16 take minutes on a processor without instructions for them.
TEST_CASE("a step of a connector takes the memory that its plan says", "[unit]") {
  check_step("connector, fp32");
}

TEST_CASE("a step of everything takes the memory that its plan says", "[unit]") {
  check_step("everything, fp32");
}

TEST_CASE("a step with layers run twice takes the memory that its plan says", "[unit]") {
  check_step("everything, bf16, checkpointed");
}

TEST_CASE("a step beside a frozen LLM takes the memory that its plan says", "[unit]") {
  check_step("frozen LLM, bf16");
}

TEST_CASE("a process of a sharded training keeps and takes what its plan says", "[unit]") {
  for (std::string const name : {"ZeRO-1, fp32", "ZeRO-2, bf16", "ZeRO-3, fp32"}) {
    CAPTURE(name);
    auto const one = case_of(name);
    auto const plan = one.plan(one.config, one.request);
    auto const found = measured(name, 2);
    // How many collectives are on their way at the peak is a matter of chance: 2 to 8 % were seen.
    check_within(15, plan.peak.total(), found.peak);
    CHECK(plan.kept.of(Purpose::weights) == found.weights);
    // The optimizer names its sums of gradients with its state: 4 bytes of 12 or of 16.
    bool const narrow = plan.dtype == at::kBFloat16;
    CHECK(plan.kept.of(Purpose::optimizer) ==
          found.optimizer_state * (narrow ? 12 : 8) / (narrow ? 16 : 12));
  }
}

TEST_CASE("a plan counts weights, gradients and the optimizer's state by part", "[unit]") {
  constexpr auto encoder = parameter_count<Medium24M::Encoder>;
  constexpr auto connector = parameter_count<Medium24M::Connector>;
  constexpr auto llm = parameter_count<Medium24M::Llm>;
  auto const all = plan_of<Everything>(small_run<Everything>(), {.text = 20});
  CHECK(all.kept(Purpose::weights, Part::encoder) == 2 * encoder);
  CHECK(all.kept(Purpose::weights, Part::llm) == 2 * llm);
  // fp32 copies and two moments; fp32 sums of gradients.
  CHECK(all.kept(Purpose::optimizer, Part::connector) == 12 * connector);
  CHECK(all.kept(Purpose::optimizer, Part::llm) == 12 * llm);
  auto const sums = all.kept.of(Purpose::gradients);
  CHECK(sums >= 4 * (encoder + connector + llm));
  CHECK(sums < 4 * (encoder + connector + llm) + 10'000);  // and a counter for each parameter
  CHECK(all.kept.of(Purpose::activations) == 0);
  CHECK(all.kept.of(Purpose::batch) == 0);
  CHECK(all.peak(Purpose::batch, Part::encoder) == 2 * 8 * 3 * 64 * 64 * 4);

  auto const wide =
      plan_of<Everything>(small_run<Everything>({"train.dtype=float32"}), {.text = 20});
  CHECK(wide.kept.of(Purpose::gradients) == 0);
  CHECK(wide.peak.of(Purpose::gradients) > 0);

  auto const one = plan_of<ConnectorOnly>(small_run<ConnectorOnly>(), {.text = 20});
  CHECK(one.kept.of(Purpose::weights) == 2 * (encoder + connector + llm));
  CHECK(one.kept.of(Purpose::optimizer) == 12 * connector);
  CHECK(one.peak.of(Purpose::gradients) < 16 * connector);
}

TEST_CASE("a plan counts the work of every pass", "[unit]") {
  auto const once = plan_of<Everything>(
      small_run<Everything>({"train.gradient_checkpointing=false"}), {.frames = 4, .text = 68});
  // Two conversations of a clip's 32 visual tokens and of text; matrices, then attention.
  double const tokens = 2 * 100;
  double const matrices = 4 * (2 * 512 * 512 + 2 * 512 * 128 + 3 * 512 * 2048);
  double const llm = 2 * tokens * matrices + 4 * 2 * tokens * 100 * 512;
  CHECK(once.work(Pass::forward, Part::llm) == llm);
  // The loss's gradients come out of its forward pass.
  CHECK(once.work(Pass::forward, Part::loss) == 3 * 2.0 * 2 * 68 * 512 * 8192);
  CHECK(once.work(Pass::backward, Part::loss) == 0);
  CHECK(once.work(Pass::backward, Part::llm) > 2 * llm);  // attention's five products
  CHECK(once.work.of(Pass::recomputation) == 0);
  CHECK(once.micro_batches == 2);
  CHECK(once.step_flops() == 2 * once.work.total());

  auto const twice = plan_of<Everything>(small_run<Everything>(), {.frames = 4, .text = 68});
  CHECK(twice.work(Pass::recomputation, Part::llm) == llm);
  CHECK(twice.work.of(Pass::forward) == once.work.of(Pass::forward));
  CHECK(twice.work.of(Pass::backward) == once.work.of(Pass::backward));
  CHECK(twice.peak.of(Purpose::activations) < once.peak.of(Purpose::activations));

  // A frozen encoder goes forward only.
  auto const frozen = plan_of<ConnectorOnly>(small_run<ConnectorOnly>(), {.text = 68});
  CHECK(frozen.work(Pass::forward, Part::encoder) > 0);
  CHECK(frozen.work(Pass::backward, Part::encoder) == 0);
}

TEST_CASE("threads that share a micro batch do its work and have its activations together",
          "[unit]") {
  auto const one = plan_of<Everything>(small_run<Everything>(), {.text = 20});
  auto const two =
      plan_of<Everything>(small_run<Everything>({"train.batch_threads=2"}), {.text = 20});
  CHECK(two.work.total() == one.work.total());
  CHECK(two.batch.conversations == 2);
  CHECK(two.micro_batches == one.micro_batches);
  CHECK(two.peak.of(Purpose::batch) == one.peak.of(Purpose::batch));
  CHECK(two.kept.total() == one.kept.total());
}

TEST_CASE("a text of no video is planned as well", "[unit]") {
  auto const plan = plan_of<Everything>(small_run<Everything>(), {.frames = 0, .text = 50});
  CHECK(plan.batch.tokens() == 50);
  CHECK(plan.work.of(Part::encoder) == 0);
  CHECK(plan.work.of(Part::llm) > 0);
}

TEST_CASE("a step that cannot be is not planned", "[unit]") {
  auto const refused = [](PlanRequest const& request, std::string const& why,
                          std::vector<std::string> const& more = {}) {
    CHECK_THROWS_MATCHES(plan_of<Everything>(small_run<Everything>(more), request), InputError,
                         MessageMatches(ContainsSubstring(why)));
  };
  refused({.frames = 6}, "6 frames cannot be: clips have 4 frames");
  refused({.text = 1}, "1 tokens of text cannot be");
  refused({.processes = 3}, "does not give each of 3 processes");
  refused({.processes = 0}, "0 processes cannot be");
  refused({.text = 100}, "data.max_length is 64", {"data.max_length=64"});
}
