#include <vcflash/train/trainer.hpp>

#include <ATen/ops/ones.h>
#include <ATen/record_function.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>

#include <vcflash/checkpoint/torch_file.hpp>
#include "tests/checkpoint/full_disk.hpp"
#include "tests/checkpoint/small_recipe.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"
#include "tests/train/in_memory.hpp"

using namespace vcflash;
using namespace vcflash::train;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

using Stage1 = test::SmallRecipe<ConnectorInit>;
using Stage2 = test::SmallRecipe<VisualPretraining>;
using Stage4 = test::SmallRecipe<HighResPostSft>;

template <class R>
RunConfig settings(std::vector<std::string> const& more = {}) {
  auto config = default_config<R>();
  for (std::string const setting :
       {"train.dtype=float32", "train.global_batch=6", "train.micro_batch=3", "train.max_steps=6",
        "train.learning_rate=1e-3", "train.encoder_learning_rate=5e-4", "train.warmup_ratio=0.1",
        "train.weight_decay=0.01", "train.gradient_checkpointing=false",
        "checkpoint.every_steps=0"}) {
    overlay_setting(config, setting);
  }
  for (auto const& setting : more) overlay_setting(config, setting);
  return config;
}

test::InMemory samples() {
  return test::random_samples(5, 3, Stage2::Encoder::resolution, Stage2::Llm::vocabulary);
}

/// Trains in `out`, ending as a SIGTERM after `stop_after` steps would.
template <class R>
RunSummary train_in(std::filesystem::path const& out, RunConfig const& config,
                    std::int64_t stop_after = 0, RunFiles files = {.out = {}}) {
  files.out = out;
  auto source = samples();
  Callbacks callbacks;
  callbacks.on_step = [&](StepReport const& report) {
    if (report.step == stop_after) std::raise(SIGTERM);
  };
  Trainer<R> trainer(config, files, {}, callbacks);
  return trainer.run(source);
}

std::vector<nlohmann::json> metrics_of(std::filesystem::path const& out) {
  std::ifstream file(out / "metrics.jsonl");
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(nlohmann::json::parse(line));
    for (auto const* const measured :
         {"seconds", "data_seconds", "forward_seconds", "backward_seconds", "optimizer_seconds",
          "communication_seconds", "resident_mib"}) {
      REQUIRE(lines.back().erase(measured) == 1);
    }
  }
  return lines;
}

}  // namespace

TEST_CASE("a run that was interrupted and taken up ends as one that was not, bit for bit",
          "[unit]") {
  auto const check = [](auto recipe, std::vector<std::string> const& more, std::string model) {
    using R = decltype(recipe);
    test::TemporaryFolder const folder;
    auto const config = settings<R>(more);
    auto const straight = train_in<R>(folder / "straight", config);
    CHECK(straight.steps_done == 6);
    CHECK_FALSE(straight.interrupted);

    auto const stopped = train_in<R>(folder / "resumed", config, 3);
    CHECK(stopped.interrupted);
    CHECK(stopped.steps_done == 3);
    CHECK_FALSE(std::filesystem::exists(folder / "resumed" / model));
    auto const resumed = train_in<R>(folder / "resumed", config);
    CHECK(resumed.steps_done == 6);
    CHECK(resumed.loss_first == straight.loss_first);
    CHECK(resumed.loss_last == straight.loss_last);
    CHECK(test::read_file(folder / "straight" / model) ==
          test::read_file(folder / "resumed" / model));
    CHECK(metrics_of(folder / "straight") == metrics_of(folder / "resumed"));
  };
  SECTION("all parts, fp32") { check(Stage2{}, {}, "model.safetensors"); }
  SECTION("all parts, bf16, layers recomputed") {
    check(Stage2{}, {"train.dtype=bfloat16", "train.gradient_checkpointing=true"},
          "model.safetensors");
  }
  SECTION("the connector alone") { check(Stage1{}, {}, "mm_projector.bin"); }
  SECTION("an encoder and a connector") { check(Stage4{}, {}, "model.safetensors"); }
}

TEST_CASE("a micro batch that several threads share is learned as by one", "[unit]") {
  auto const weights_of = [](std::filesystem::path const& folder) {
    return checkpoint::read_tensors(folder / "model.safetensors");
  };
  test::TemporaryFolder const folder;
  auto const alone = train_in<Stage2>(folder / "alone", settings<Stage2>());
  for (std::string const threads : {"2", "3", "5"}) {
    CAPTURE(threads);
    for (std::string const checkpointing : {"false", "true"}) {
      auto const config = settings<Stage2>(
          {"train.batch_threads=" + threads, "train.gradient_checkpointing=" + checkpointing});
      auto const shared =
          train_in<Stage2>(folder / "shared", config, 0, {.out = {}, .resume = false});
      CHECK(std::abs(shared.loss_last - alone.loss_last) < 1e-5 * alone.loss_last);
      auto const again =
          train_in<Stage2>(folder / "again", config, 0, {.out = {}, .resume = false});
      CHECK(again.loss_last == shared.loss_last);
    }
  }
  CHECK(test::read_file(folder / "shared/model.safetensors") ==
        test::read_file(folder / "again/model.safetensors"));
  auto const one = weights_of(folder / "alone"), many = weights_of(folder / "shared");
  for (auto const& [key, tensor] : one) {
    CAPTURE(key);
    CHECK(tensor.allclose(many.at(key), 1e-3, 1e-5));
  }
}

TEST_CASE("a checkpoint on the way is as good as an interruption", "[unit]") {
  test::TemporaryFolder const folder;
  train_in<Stage2>(folder / "straight", settings<Stage2>());
  auto const config = settings<Stage2>({"checkpoint.every_steps=2", "checkpoint.keep=2"});
  train_in<Stage2>(folder / "run", config);
  auto const left = running_checkpoints(folder / "run");
  REQUIRE(left.size() == 2);
  CHECK(left[0].step == 6);
  CHECK(left[1].step == 4);
  // As if the machine had died in step 5.
  std::filesystem::remove_all(left[0].folder);
  std::filesystem::remove(folder / "run/trainer_state.json");
  std::filesystem::remove(folder / "run/model.safetensors");
  train_in<Stage2>(folder / "run", config);
  CHECK(test::read_file(folder / "straight/model.safetensors") ==
        test::read_file(folder / "run/model.safetensors"));
  CHECK(metrics_of(folder / "straight") == metrics_of(folder / "run"));
}

TEST_CASE("a damaged checkpoint is passed over for the one before", "[unit]") {
  test::TemporaryFolder const folder;
  train_in<Stage2>(folder / "straight", settings<Stage2>());
  auto const config = settings<Stage2>({"checkpoint.every_steps=2", "checkpoint.keep=2"});
  train_in<Stage2>(folder / "run", config, 4);
  folder.write("run/checkpoint-4/optimizer.safetensors", "broken");
  auto source = samples();
  std::string warning;
  Callbacks callbacks;
  callbacks.warn = [&](std::string const& sentence) { warning = sentence; };
  Trainer<Stage2> trainer(config, {.out = folder / "run"}, {}, callbacks);
  CHECK(trainer.steps_done() == 2);
  CHECK_THAT(warning, ContainsSubstring("checkpoint-4/optimizer.safetensors"));
  trainer.run(source);
  CHECK(test::read_file(folder / "straight/model.safetensors") ==
        test::read_file(folder / "run/model.safetensors"));
}

TEST_CASE("a finished run is not trained again unless it is started over", "[unit]") {
  test::TemporaryFolder const folder;
  auto const config = settings<Stage2>();
  auto const first = train_in<Stage2>(folder / "run", config);
  auto const before = test::read_file(folder / "run/metrics.jsonl");
  auto const again = train_in<Stage2>(folder / "run", config);
  CHECK(again.steps_done == 6);
  CHECK(again.loss_last == first.loss_last);
  CHECK(test::read_file(folder / "run/metrics.jsonl") == before);
  auto const over = train_in<Stage2>(folder / "run", config, 2, {.out = {}, .resume = false});
  CHECK(over.steps_done == 2);
  CHECK(metrics_of(folder / "run").size() == 2);
}

TEST_CASE("a finished run that left no checkpoint cannot be made longer", "[unit]") {
  test::TemporaryFolder const folder;
  train_in<Stage2>(folder / "run", settings<Stage2>());
  auto const before = test::read_file(folder / "run/model.safetensors");
  CHECK_THROWS_MATCHES(
      train_in<Stage2>(folder / "run", settings<Stage2>({"train.max_steps=8"})), InputError,
      MessageMatches(ContainsSubstring("ended after 6 steps and left no checkpoint")));
  CHECK(test::read_file(folder / "run/model.safetensors") == before);
}

TEST_CASE("a run ends as a folder that the next stage takes", "[unit]") {
  test::TemporaryFolder const folder;
  auto const config = settings<Stage2>();
  train_in<Stage2>(folder / "two", config);
  auto const json = checkpoint::read_json(folder / "two/config.json");
  CHECK(json.at("hidden_size") == Stage2::Llm::hidden);
  CHECK(json.at("torch_dtype") == "float32");
  CHECK(test::read_file(folder / "two/config.toml") == to_toml(config));
  train_in<Stage4>(folder / "four", settings<Stage4>(), 0, {.out = {}, .init = folder / "two"});

  Stage2::Network two, four;
  for (auto const& [network, name] : {std::pair{&two, "two"}, std::pair{&four, "four"}}) {
    checkpoint::load_model(checkpoint::parameters_of_parts(*network),
                           {.folder = folder / name, .connector = {}, .encoder = {}}, at::kFloat);
  }
  auto const before = named_parameters(two), after = named_parameters(four);
  for (std::size_t i = 0; i < before.size(); ++i) {
    CAPTURE(before[i].first);
    bool const frozen = !before[i].first.starts_with("model.vision_tower.") &&
                        !before[i].first.starts_with("model.mm_projector.");
    CHECK(before[i].second.equal(after[i].second) == frozen);
  }
}

TEST_CASE("stage 1 leaves the connector alone, and stage 2 starts from it", "[unit]") {
  test::TemporaryFolder const folder;
  std::filesystem::create_directory(folder / "base");
  Stage1::Network base;
  initialise_model<Stage1>(base, 5);
  checkpoint::save_weights(named_parameters(base), folder / "base");
  train_in<Stage1>(folder / "one", settings<Stage1>(), 0, {.out = {}, .init = folder / "base"});
  CHECK_FALSE(std::filesystem::exists(folder / "one/model.safetensors"));
  CHECK(checkpoint::read_torch_file(folder / "one/mm_projector.bin").size() == 4);
  Trainer<Stage2> const next(settings<Stage2>(), {.out = folder / "two", .init = folder / "one"});
  CHECK(next.network().llm.model.norm.weight.value.equal(base.llm.model.norm.weight.value));
  auto const connector = checkpoint::read_connector_file(folder / "one/mm_projector.bin");
  for (auto const& [key, tensor] :
       named_parameters(next.network().connector, "model.mm_projector.")) {
    CHECK(tensor.equal(connector.at(key)));
  }
}

TEST_CASE("what a stage leaves alone carries no gradients and no optimiser state", "[unit]") {
  test::TemporaryFolder const folder;
  Trainer<Stage4> const trainer(settings<Stage4>(), {.out = folder / "run"});
  CHECK(trainer.optimizer().state_bytes() ==
        8 * (parameter_count<Stage4::Encoder> + parameter_count<Stage4::Connector>));
  for_each_parameter(trainer.network().llm,
                     [](auto const&, auto const& p) { CHECK_FALSE(p.value.requires_grad()); });
}

TEST_CASE("a full disk at the end is one sentence and loses nothing that was there", "[unit]") {
  test::TemporaryFolder const folder;
  auto const config = settings<Stage2>({"checkpoint.every_steps=3"});
  train_in<Stage2>(folder / "run", config);
  auto const before = test::read_file(folder / "run/model.safetensors");
  {
    test::FullDisk const full(20000);
    CHECK_THROWS_MATCHES(train_in<Stage2>(folder / "run", settings<Stage2>({"train.max_steps=8"})),
                         Error,
                         MessageMatches(ContainsSubstring("model.safetensors: cannot be written")));
  }
  CHECK(test::read_file(folder / "run/model.safetensors") == before);
  CHECK(running_checkpoints(folder / "run").size() == 2);
  CHECK_FALSE(std::filesystem::exists(folder / "run/.partial"));
}

TEST_CASE("a running checkpoint that cannot be written is told, and the run goes on", "[unit]") {
  test::TemporaryFolder const folder;
  std::vector<std::string> warnings;
  Callbacks callbacks;
  auto source = samples();
  std::optional<test::FullDisk> full;
  callbacks.warn = [&](std::string const& sentence) {
    warnings.push_back(sentence);
    full.reset();
  };
  callbacks.on_step = [&](StepReport const& report) {
    if (report.step != 4) return;
    while (!std::filesystem::exists(folder / "run/checkpoint-2")) std::this_thread::yield();
    full.emplace(20000);
  };
  Trainer<Stage2> trainer(settings<Stage2>({"checkpoint.every_steps=2", "checkpoint.keep=3"}),
                          {.out = folder / "run", .resume = false}, {}, callbacks);
  CHECK(trainer.run(source).steps_done == 6);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], ContainsSubstring("cannot be written"));
  auto const left = running_checkpoints(folder / "run");
  REQUIRE(left.size() == 2);
  CHECK(left[0].step == 6);
  CHECK(left[1].step == 2);
}

TEST_CASE("a step without a finite loss moves nothing, and its samples are named", "[unit]") {
  test::TemporaryFolder const folder;
  auto source = samples();
  std::vector<std::vector<Sample>> batches;
  for (int i = 0; i < 8; ++i) batches.push_back(source.next());
  auto& pixels = batches[3][0].media.at(0).pixels;
  pixels = pixels.clone().fill_(std::numeric_limits<float>::quiet_NaN());
  batches[3][0].id = "a film of NaNs";
  auto const train = [&](std::filesystem::path const& out, std::int64_t stop_after) {
    test::InMemory given(batches);
    std::string warning;
    Callbacks callbacks;
    callbacks.warn = [&](std::string const& sentence) { warning = sentence; };
    callbacks.on_step = [&](StepReport const& report) {
      if (report.step == stop_after) std::raise(SIGTERM);
    };
    Trainer<Stage2> trainer(settings<Stage2>({"train.max_steps=4"}), {.out = out}, {}, callbacks);
    auto const summary = trainer.run(given);
    if (summary.steps_done >= 2) CHECK(summary.skipped == 1);
    return warning;
  };
  auto const warning = train(folder / "straight", 0);
  CHECK_THAT(warning, ContainsSubstring("step 2: the loss is not a finite number") &&
                          ContainsSubstring("a film of NaNs"));
  auto const lines = metrics_of(folder / "straight");
  REQUIRE(lines.size() == 4);
  CHECK(lines[1].at("loss").is_null());
  CHECK(lines[1].at("skipped") == "loss");
  CHECK(lines[3].at("loss").is_number());
  CHECK_FALSE(lines[3].contains("skipped"));
  // The optimiser counts its own steps: one that is taken up right after must do the same.
  train(folder / "resumed", 2);
  train(folder / "resumed", 0);
  CHECK(test::read_file(folder / "straight/model.safetensors") ==
        test::read_file(folder / "resumed/model.safetensors"));
  CHECK(metrics_of(folder / "resumed") == lines);
}

namespace {

/// Counts, while it exists, the operations of one name.
class CountOperations {
 public:
  explicit CountOperations(std::string_view name) {
    name_ = name;
    count_ = 0;
    handle_ = at::addGlobalCallback(at::RecordFunctionCallback(
        [](at::RecordFunction const& function) -> std::unique_ptr<at::ObserverContext> {
          count_ += function.name() == name_ ? 1 : 0;
          return nullptr;
        }));
  }
  CountOperations(CountOperations const&) = delete;
  CountOperations& operator=(CountOperations const&) = delete;
  ~CountOperations() { at::removeCallback(handle_); }

  int operator()() const { return count_; }

 private:
  static inline std::string_view name_;
  static inline std::atomic<int> count_;
  at::CallbackHandle handle_;
};

}  // namespace

TEST_CASE("a step reads no single value of a tensor: on a GPU each would stop it", "[unit]") {
  test::TemporaryFolder const folder;
  auto const count = [&](std::string_view name, auto recipe, std::vector<std::string> const& more) {
    using R = decltype(recipe);
    auto config = settings<R>(more);
    overlay_setting(config, "train.max_steps=3");
    CountOperations const operations(name);
    train_in<R>(folder / "run", config, 0, {.out = {}, .resume = false});
    return operations();
  };
  auto const* const read = "aten::_local_scalar_dense";  // what item() comes to
  // The CPU's kernels of their own read one in each masked_select (of labels, which the host has)
  // and AdamW's count of steps of each parameter; a GPU's do not.
  auto const of_kernels = [](std::int64_t parameters) { return 3 * (2 + parameters); };
  CHECK(count(read, Stage2{}, {}) == of_kernels(key_count<Stage2::Network>));
  CHECK(count(read, Stage2{}, {"train.dtype=bfloat16", "train.gradient_checkpointing=true"}) ==
        of_kernels(key_count<Stage2::Network>));
  CHECK(count(read, Stage1{}, {}) == of_kernels(key_count<Stage1::Connector>));
  // Operations whose result's size follows from values: of labels only.
  for (auto const* const name : {"aten::nonzero", "aten::masked_select"}) {
    CHECK(count(name, Stage2{}, {}) == 3 * 2);
  }
  CountOperations const operations(read);
  CHECK(at::ones({1}).item<float>() == 1);
  CHECK(operations() == 1);
}

TEST_CASE("a run without a finite loss is saved and ends after train.max_bad_steps", "[unit]") {
  test::TemporaryFolder const folder;
  Stage2::Network base;
  initialise_model<Stage2>(base, 5);
  base.llm.model.norm.weight.value.fill_(std::numeric_limits<float>::quiet_NaN());
  std::filesystem::create_directory(folder / "base");
  checkpoint::save_weights(named_parameters(base), folder / "base");
  CHECK_THROWS_MATCHES(
      train_in<Stage2>(folder / "run", settings<Stage2>({"train.max_bad_steps=3"}), 0,
                       {.out = {}, .init = folder / "base"}),
      Error, MessageMatches(ContainsSubstring("step 3: the loss was no finite number in 3 steps")));
  CHECK(running_checkpoints(folder / "run").at(0).step == 3);
}

TEST_CASE("conversations with nothing to learn from are no loss, and a step without any is told",
          "[unit]") {
  test::TemporaryFolder const folder;
  auto source = samples();
  auto batch = source.next();
  for (auto& sample : batch) sample.labels = sample.labels.clone().fill_(ignore_label);
  test::InMemory silent({batch});
  std::string warning;
  Callbacks callbacks;
  callbacks.warn = [&](std::string const& sentence) { warning = sentence; };
  Trainer<Stage2> trainer(settings<Stage2>({"train.max_steps=1"}), {.out = folder / "run"}, {},
                          callbacks);
  trainer.run(silent);
  CHECK_THAT(warning, ContainsSubstring("step 1: no token"));
  CHECK(metrics_of(folder / "run").at(0).at("loss").is_null());
}

TEST_CASE("how many steps there are follows from the epochs if it is not set", "[unit]") {
  test::TemporaryFolder const folder;
  Trainer<Stage2> const trainer(settings<Stage2>({"train.max_steps=0", "train.epochs=3"}),
                                {.out = folder / "run"});
  CHECK(trainer.steps_for(5) == 7);
  CHECK(trainer.steps_for(1) == 1);
}

TEST_CASE("a tokenizer with more ids than the model has rows is refused", "[golden]") {
  test::TemporaryFolder const folder;
  test::golden_file("data/tokenizer/tiny512/tokenizer.json");
  auto const tokenizer =
      text::Tokenizer::from_folder(test::golden_folder("data/tokenizer/tiny512"));
  CHECK_THROWS_MATCHES(
      Trainer<Stage2>(settings<Stage2>(), {.out = folder / "run"}, tokenizer), InputError,
      MessageMatches(ContainsSubstring("but small decoder has 40 rows of embeddings")));
}
