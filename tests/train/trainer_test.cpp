#include <vcflash/train/trainer.hpp>

#include <ATen/ops/ones.h>
#include <ATen/record_function.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <vcflash/checkpoint/torch_file.hpp>
#include "tests/checkpoint/full_disk.hpp"
#include "tests/checkpoint/small_recipe.hpp"
#include "tests/dist/as_ranks.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"
#include "tests/train/in_memory.hpp"

using namespace vcflash;
using namespace vcflash::train;
using namespace std::chrono_literals;
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
        "train.weight_decay=0.01", "train.gradient_checkpointing=false", "checkpoint.every_steps=0",
        "checkpoint.every_minutes=0"}) {
    overlay_setting(config, setting);
  }
  for (auto const& setting : more) overlay_setting(config, setting);
  return config;
}

test::InMemory samples() {
  return test::random_samples(5, 3, Stage2::Encoder::resolution, Stage2::Llm::vocabulary);
}

/// The samples of a run, with something that happens before some of them.
class Eventful : public test::InMemory {
 public:
  using Happens = std::function<void(std::int64_t count)>;

  /// \param happens is told how many micro batches were asked for before, in this process's life
  explicit Eventful(Happens happens) : InMemory(samples()), happens_(std::move(happens)) {}

  std::vector<Sample> next() {
    happens_(count_++);
    return InMemory::next();
  }

 private:
  Happens happens_;
  std::int64_t count_ = 0;
};

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
  // It is set aside, and takes no good one's place.
  CHECK(std::filesystem::exists(folder / "run/checkpoint-4.damaged"));
  CHECK(running_checkpoints(folder / "run").size() == 2);
}

TEST_CASE("a signal amid a step gives the step up, and nothing is lost", "[unit]") {
  test::TemporaryFolder const folder;
  auto const config = settings<Stage2>();
  train_in<Stage2>(folder / "straight", config);
  for (int const signal : {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) {
    CAPTURE(signal);
    auto const out = folder / std::to_string(signal);
    std::int64_t given = 0;
    Eventful source([&](std::int64_t count) {
      given = count + 1;
      if (count == 4) std::raise(signal);  // the first of two micro batches of step 3
    });
    Trainer<Stage2> trainer(config, {.out = out});
    auto const stopped = trainer.run(source);
    CHECK(stopped.interrupted);
    CHECK(stopped.steps_done == 2);
    CHECK(stopped.stopping_seconds > 0);
    CHECK(given == 5);
    CHECK(running_checkpoints(out).at(0).step == 2);
  }
  auto const out = folder / std::to_string(SIGTERM);
  train_in<Stage2>(out, config);
  CHECK(test::read_file(folder / "straight/model.safetensors") ==
        test::read_file(out / "model.safetensors"));
  CHECK(metrics_of(folder / "straight") == metrics_of(out));
}

TEST_CASE("a run that is stopped in its first step saves nothing, and is interrupted", "[unit]") {
  test::TemporaryFolder const folder;
  Eventful source([&](std::int64_t) { std::raise(SIGTERM); });
  Trainer<Stage2> trainer(settings<Stage2>(), {.out = folder / "run"});
  auto const stopped = trainer.run(source);
  CHECK(stopped.interrupted);
  CHECK(stopped.steps_done == 0);
  CHECK(running_checkpoints(folder / "run").empty());
}

TEST_CASE("a healthy run whose data or step fails saves what it learned first", "[unit]") {
  test::TemporaryFolder const folder;
  auto const config = settings<Stage2>();
  train_in<Stage2>(folder / "straight", config);
  auto const fails = [&](std::filesystem::path const& out, auto& source,
                         std::string const& reason) {
    std::vector<std::string> warnings;
    Callbacks callbacks;
    callbacks.warn = [&](std::string const& sentence) { warnings.push_back(sentence); };
    {
      Trainer<Stage2> trainer(config, {.out = out}, {}, callbacks);
      CHECK_THROWS_WITH(trainer.run(source), ContainsSubstring(reason));
    }
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(warnings[0], ContainsSubstring("what was learned in 2 steps is saved"));
    CHECK(running_checkpoints(out).at(0).step == 2);
    train_in<Stage2>(out, config);
    CHECK(test::read_file(folder / "straight/model.safetensors") ==
          test::read_file(out / "model.safetensors"));
  };
  for (std::int64_t const place : {4, 5}) {
    Eventful source([&](std::int64_t count) {
      if (count == place) throw Error("the data are gone");
    });
    fails(folder / std::to_string(place), source, "the data are gone");
  }
  auto given = samples();
  std::vector<std::vector<Sample>> batches;
  for (int i = 0; i < 6; ++i) batches.push_back(given.next());
  batches[5][1].input_ids = batches[5][1].input_ids.clone().fill_(1 << 20);  // no such row
  test::InMemory source(batches);
  fails(folder / "step", source, "");
}

TEST_CASE("checkpoints come by the clock as well as by steps", "[unit]") {
  test::TemporaryFolder const folder;
  train_in<Stage2>(folder / "run",
                   settings<Stage2>({"checkpoint.every_minutes=1e-9", "checkpoint.keep=9"}));
  CHECK(running_checkpoints(folder / "run").size() == 6);
  train_in<Stage2>(folder / "hour", settings<Stage2>({"checkpoint.every_minutes=60"}));
  // At the end there is one to go on from.
  CHECK(running_checkpoints(folder / "hour").size() == 1);
}

TEST_CASE("a full disk keeps lines of metrics waiting, and the run goes on", "[unit]") {
  test::TemporaryFolder const folder;
  std::optional<test::FullDisk> full;
  std::vector<std::string> warnings;
  Callbacks callbacks;
  callbacks.warn = [&](std::string const& sentence) { warnings.push_back(sentence); };
  callbacks.on_step = [&](StepReport const& report) {
    if (report.step == 1) full.emplace(1);
    if (report.step == 4) full.reset();
  };
  auto source = samples();
  Trainer<Stage2> trainer(settings<Stage2>(), {.out = folder / "run"}, {}, callbacks);
  CHECK(trainer.run(source).steps_done == 6);
  CHECK(metrics_of(folder / "run").size() == 6);
  REQUIRE(warnings.size() == 2);  // and TensorBoard's
  CHECK_THAT(warnings[0], ContainsSubstring("metrics.jsonl: cannot be written now"));
}

TEST_CASE("two running checkpoints in a row that cannot be written end the run, saved if it can be",
          "[unit]") {
  test::TemporaryFolder const folder;
  std::optional<test::FullDisk> full;
  int failures = 0;
  Callbacks callbacks;
  callbacks.warn = [&](std::string const& sentence) {
    if (sentence.find("model.safetensors: cannot be written") == sentence.npos) return;
    if (++failures == 2) full.reset();
  };
  callbacks.on_step = [&](StepReport const& report) {
    if (report.step == 1) full.emplace(20000);
  };
  auto source = samples();
  Trainer<Stage2> trainer(settings<Stage2>({"train.max_steps=50", "checkpoint.every_steps=1"}),
                          {.out = folder / "run"}, {}, callbacks);
  CHECK_THROWS_MATCHES(
      trainer.run(source), Error,
      MessageMatches(ContainsSubstring("2 running checkpoints in a row could not be written")));
  CHECK(failures == 2);
  CHECK(running_checkpoints(folder / "run").at(0).step < 10);
}

TEST_CASE("a run that is to end before its newest checkpoint leaves the model of that", "[unit]") {
  test::TemporaryFolder const folder;
  train_in<Stage2>(folder / "run", settings<Stage2>(), 4);
  REQUIRE_FALSE(std::filesystem::exists(folder / "run/model.safetensors"));
  auto const ended = train_in<Stage2>(folder / "run", settings<Stage2>({"train.max_steps=2"}));
  CHECK(ended.steps_done == 4);
  CHECK(std::filesystem::exists(folder / "run/model.safetensors"));
}

TEST_CASE("a finished run is made longer from its end", "[unit]") {
  test::TemporaryFolder const folder;
  std::vector<std::string> const longer{"checkpoint.every_steps=4", "train.schedule=constant"};
  auto const with = [&](std::string const& more) {
    auto all = longer;
    all.push_back(more);
    return settings<Stage2>(all);
  };
  train_in<Stage2>(folder / "straight", with("train.max_steps=8"));
  train_in<Stage2>(folder / "run", with("train.max_steps=6"));
  {
    Trainer<Stage2> const trainer(with("train.max_steps=8"), {.out = folder / "run"});
    CHECK(trainer.steps_done() == 6);
  }
  train_in<Stage2>(folder / "run", with("train.max_steps=8"));
  CHECK(test::read_file(folder / "straight/model.safetensors") ==
        test::read_file(folder / "run/model.safetensors"));
  // What the first six steps were told stays.
  CHECK(test::read_file(folder / "run/config-6.toml") == to_toml(with("train.max_steps=6")));

  // By another epoch as well as by steps.
  auto epochs = with("train.max_steps=0");
  CHECK(train_in<Stage2>(folder / "epochs", epochs).steps_done == 2);
  epochs.recipe.epochs = 2;
  CHECK(train_in<Stage2>(folder / "epochs", epochs).steps_done == 5);
}

TEST_CASE("two runs into one folder at a time are one too many", "[unit]") {
  test::TemporaryFolder const folder;
  Trainer<Stage2> const first(settings<Stage2>(), {.out = folder / "run"});
  CHECK_THROWS_MATCHES(Trainer<Stage2>(settings<Stage2>(), {.out = folder / "run"}), Error,
                       MessageMatches(ContainsSubstring("trains into it")));
}

namespace {

/// One rank's share of samples that all ranks are dealt in turn.
class Dealt {
 public:
  Dealt(dist::ProcessGroup const& group, Eventful::Happens happens)
      : group_(group), all_(std::move(happens)) {}

  std::vector<Sample> next() {
    std::vector<Sample> own;
    for (std::int64_t rank = 0; rank < group_.size(); ++rank) {
      if (rank == group_.rank()) {
        own = all_.next();
      } else {
        all_.InMemory::next();
      }
    }
    return own;
  }
  data::Position position() const { return all_.position(); }
  void seek(data::Position position) { all_.seek(position); }
  std::int64_t batches_per_epoch() const { return all_.batches_per_epoch(); }

 private:
  dist::ProcessGroup const& group_;
  Eventful all_;
};

}  // namespace

TEST_CASE("ranks stop together and save when one is asked to, or its data fail", "[unit]") {
  test::TemporaryFolder const folder;
  auto const config = settings<Stage2>({"train.global_batch=12"});  // two micro batches a rank
  auto const train = [&](std::filesystem::path const& out, Eventful::Happens const& on_second) {
    return test::as_ranks(2, 60s, [&](dist::ProcessGroup& group) {
      Dealt source(group, group.first() ? [](std::int64_t) {} : on_second);
      Trainer<Stage2> trainer(config, {.out = out}, {}, {}, &group);
      trainer.run(source);
    });
  };
  auto const nothing = [](std::int64_t) {};
  for (auto const& failure : train(folder / "straight", nothing)) CHECK(failure == "");
  auto const failures = train(folder / "failed", [](std::int64_t count) {
    if (count == 5) throw Error("the data are gone");
  });
  CHECK(failures[0] == "rank 1: the data are gone");
  CHECK(failures[1] == "the data are gone");
  auto const told = train(folder / "told", [](std::int64_t count) {
    if (count == 4) std::raise(SIGTERM);
  });
  for (auto const& failure : told) CHECK(failure == "");
  for (auto const* const name : {"failed", "told"}) {
    CAPTURE(name);
    auto const saved = running_checkpoints(folder / name).at(0);
    // Who is asked in a step's last micro batch but one may finish it.
    CHECK(saved.step >= 2);
    CHECK(saved.step <= (name == std::string("told") ? 3 : 2));
    CHECK(std::filesystem::exists(saved.folder / "optimizer-00002-of-00002.safetensors"));
    for (auto const& failure : train(folder / name, nothing)) CHECK(failure == "");
    CHECK(test::read_file(folder / "straight/model.safetensors") ==
          test::read_file(folder / name / "model.safetensors"));
  }
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
  initialize_model<Stage1>(base, 5);
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

TEST_CASE("what a stage leaves alone carries no gradients and no optimizer state", "[unit]") {
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
  // The optimizer counts its own steps: one that is taken up right after must do the same.
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
  auto given = samples();
  std::vector<std::vector<Sample>> batches;
  for (int i = 0; i < 10; ++i) {
    batches.push_back(given.next());
    if (i < 2) continue;
    for (auto& sample : batches.back()) {
      for (auto& medium : sample.media) medium.pixels = medium.pixels * NAN;
    }
  }
  test::InMemory source(batches);
  Trainer<Stage2> trainer(settings<Stage2>({"train.max_bad_steps=3"}), {.out = folder / "run"});
  CHECK_THROWS_MATCHES(
      trainer.run(source), Error,
      MessageMatches(ContainsSubstring("step 4: the loss was no finite number in 3 steps")));
  CHECK(running_checkpoints(folder / "run").at(0).step == 4);
}

TEST_CASE("conversations with nothing to learn from are no loss; a run of such alone fails",
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
  CHECK_THROWS_MATCHES(trainer.run(silent), Error,
                       MessageMatches(ContainsSubstring("nothing was learned in 1 steps, of which "
                                                        "0 had a loss")));
  CHECK_THAT(warning, ContainsSubstring("step 1: no token"));
  CHECK(metrics_of(folder / "run").at(0).at("loss").is_null());
  CHECK(metrics_of(folder / "run").at(0).at("empty") == 2);
  CHECK_FALSE(std::filesystem::exists(folder / "run/model.safetensors"));
}

TEST_CASE("how many steps there are follows from the epochs if it is not set", "[unit]") {
  test::TemporaryFolder const folder;
  Trainer<Stage2> const trainer(settings<Stage2>({"train.max_steps=0", "train.epochs=3"}),
                                {.out = folder / "run"});
  CHECK(trainer.steps_for(5) == 7);
  CHECK(trainer.steps_for(1) == 1);
}

TEST_CASE("a mixture that does not fill one step is refused, with both settings", "[unit]") {
  auto config = settings<Stage2>({"train.max_steps=0", "train.global_batch=12"});
  CHECK_THROWS_MATCHES(
      train::detail::steps_of(config, 3), InputError,
      MessageMatches(ContainsSubstring("3 micro batches of train.micro_batch = 3 are less than one "
                                       "step of train.global_batch = 12: give --set "
                                       "train.global_batch=9")));
  CHECK(train::detail::steps_of(config, 4) == 1);
  config.recipe.max_steps = 9;
  CHECK(train::detail::steps_of(config, 3) == 9);
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
