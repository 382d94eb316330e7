#include <vcflash/app/train_program.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <ATen/ops/empty.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>
#include <vector>

#include "recipes/stage1_umt_tome16_res448_qwen_1_5b.hpp"
#include "tests/checkpoint/small_recipe.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/program.hpp"

using namespace vcflash;

namespace {

/// While it exists, this process gets little more memory than it has.
class NoMoreMemory {
 public:
  NoMoreMemory() {
    ::getrlimit(RLIMIT_AS, &before_);
    std::ifstream pages("/proc/self/statm");
    rlim_t now = 0;
    pages >> now;
    rlimit const limit{now * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (64 << 20),
                       before_.rlim_max};
    ::setrlimit(RLIMIT_AS, &limit);
  }
  NoMoreMemory(NoMoreMemory const&) = delete;
  NoMoreMemory& operator=(NoMoreMemory const&) = delete;
  ~NoMoreMemory() { ::setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_{};
};

/// A recipe that claims to have trained.
app::TrainProgram recipe() {
  auto network = checkpoint::network_fields<test::Small<>::Network>();
  network.llm.vocabulary = 512;
  return {.recipe = "mine",
          .stage = "VideoSft",
          .defaults = {},
          .model = {.parts = {{"llm", "small", 10, 2, true}}},
          .network = network,
          .stage_fields = {},
          .pixels = {.resolution = 32},
          .zero = {1},
          .describe = [](Settings const& settings) { return settings.front().first + "\n"; },
          .plan =
              [](train::RunConfig const& run, train::PlanRequest const& request) {
                train::Plan plan;
                plan.batch.frames = request.frames.value_or(run.recipe.max_frames);
                plan.batch.text = request.text;
                plan.processes = request.processes;
                plan.zero = {1};
                plan.peak(train::Purpose::weights, Part::llm) = std::int64_t{3} << 30;
                return plan;
              },
          .draw = [](train::Start const&, train::RunConfig const&,
                     train::Warn const&) { return NamedTensors{}; },
          .train =
              [](app::TrainingRun const& run, train::RunLoader& loader) {
                train::StepReport report;
                report.seconds = 4;
                report.data_seconds = 1;
                checkpoint::write_file(run.files.out / "config.toml", "");
                train::MetricsFile metrics(run.files.out / "metrics.jsonl", 0);
                for (report.step = 1; report.step <= run.config.recipe.max_steps; ++report.step) {
                  loader.next();
                  metrics.write(report);
                  run.callbacks.on_step(report);
                  report.data_seconds = 0;
                }
                train::RunSummary summary;
                summary.steps_done = summary.steps = 2;
                summary.loss_first = 3;
                return summary;
              }};
}

test::Ending run_mine(std::vector<std::string> arguments,
                      app::TrainProgram const& program = recipe()) {
  arguments.insert(arguments.begin(), "train-mine");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  return test::run_here(
      [&] { return app::run_train_program(program, static_cast<int>(argv.size()), argv.data()); });
}

/// What a run of two steps over two conversations is started with.
std::vector<std::string> two_steps(test::TemporaryFolder const& folder) {
  folder.write("rows.json", R"([{"id": 1, "conversations": [{"from": "human", "value": "a"},
                                 {"from": "gpt", "value": "b"}]},
                                {"id": 2, "conversations": [{"from": "human", "value": "c"},
                                 {"from": "gpt", "value": "d"}]}])");
  auto const mixture =
      folder.write("mix.yaml", "datasets:\n  - json_path: rows.json\n    sampling_strategy: all\n");
  test::golden_file("data/tokenizer/tiny512/tokenizer.json");
  return {"--data",      mixture.string(),
          "--out",       (folder / "out").string(),
          "--tokenizer", test::golden_folder("data/tokenizer/tiny512").string(),
          "--set",       "train.max_steps=2",
          "--set",       "train.global_batch=1"};
}

}  // namespace

TEST_CASE("a training program leaves what was trained and what came of it", "[unit]") {
  test::TemporaryFolder const folder;
  auto const outcome = run_mine(two_steps(folder));
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  std::ifstream file(folder / "out/training.json");
  auto const json = nlohmann::json::parse(file);
  CHECK(json.at("recipe") == "mine");
  CHECK(json.at("steps") == 2);
  CHECK(json.at("loss_first") == 3);
  CHECK(json.at("data_share") == 0.125);
  CHECK(json.at("data_share_after_first") == 0);
  CHECK(json.at("resolution") == 0);
  CHECK(json.at("parts").at(0).at("component") == "small");
  CHECK(std::filesystem::exists(folder / "out/report.html"));
}

TEST_CASE("a training that was interrupted ends with 75, and says how long saving took", "[unit]") {
  test::TemporaryFolder const folder;
  auto program = recipe();
  program.train = [](app::TrainingRun const&, train::RunLoader&) {
    train::RunSummary summary;
    summary.interrupted = true;
    summary.stopping_seconds = 1.5;
    return summary;
  };
  CHECK(run_mine(two_steps(folder), program).code == 75);
  auto const json = nlohmann::json::parse(test::read_file(folder / "out/training.json"));
  CHECK(json.at("interrupted") == true);
  CHECK(json.at("signal_to_checkpoint_seconds") == 1.5);
  CHECK_FALSE(std::filesystem::exists(folder / "out/report.html"));
  CHECK(run_mine({"--help"}).out.find("75 interrupted") != std::string::npos);
}

TEST_CASE("a training program tells its run what the data are", "[unit]") {
  test::TemporaryFolder const folder;
  auto program = recipe();
  program.train = [](app::TrainingRun const& run, train::RunLoader& loader) -> train::RunSummary {
    throw Error(run.files.data == loader.fingerprint() && run.files.allow_changes ? "right"
                                                                                  : "wrong");
  };
  auto arguments = two_steps(folder);
  arguments.emplace_back("--allow-changes");
  CHECK(run_mine(arguments, program).err == "train-mine: right\n");
}

TEST_CASE("a training program names what it lacks", "[unit]") {
  CHECK(run_mine({"--out", "x", "--data", "none.yaml"}).code == 2);
  CHECK(run_mine({"--data", "mix.yaml"}).err.find("--out is required") != std::string::npos);
  CHECK(run_mine({"--describe", "--set", "train.sed=1"}).err.find("train.seed") !=
        std::string::npos);
}

TEST_CASE("a training without enough memory says what a step takes and what lowers it", "[unit]") {
  using Catch::Matchers::ContainsSubstring;
  test::TemporaryFolder const folder;
  auto program = recipe();
  program.train = [](app::TrainingRun const&, train::RunLoader&) {
    NoMoreMemory const limit;
    std::vector<Tensor> much;
    while (much.size() < 1000) much.push_back(at::empty({64 << 20}, at::kByte));
    return train::RunSummary{};
  };
  auto const said = [&](std::vector<std::string> const& more = {}) {
    auto arguments = two_steps(folder);
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto const outcome = run_mine(arguments, program);
    CAPTURE(outcome.err);
    CHECK(outcome.code == 1);
    return outcome.err.substr(outcome.err.rfind("train-mine: "));
  };
  auto const sentence = said();
  CHECK_THAT(sentence,
             ContainsSubstring("not enough memory: --plan predicts 3.00 GiB for a step with") &&
                 ContainsSubstring("3.00 of weights") &&
                 ContainsSubstring("a lower data.max_frames (now 512)") &&
                 ContainsSubstring("train.dtype=bfloat16") && ContainsSubstring("Zero<1>") &&
                 !ContainsSubstring("train.micro_batch") &&
                 !ContainsSubstring("train.gradient_checkpointing"));
  CHECK(std::ranges::count(sentence, '\n') == 1);
  CHECK_THAT(said({"--set", "train.global_batch=2", "--set", "train.micro_batch=2", "--set",
                   "train.gradient_checkpointing=false", "--set", "train.dtype=bfloat16"}),
             ContainsSubstring("a lower train.micro_batch (now 2)") &&
                 ContainsSubstring("train.gradient_checkpointing=true") &&
                 !ContainsSubstring("train.dtype"));
  program.plan = [](train::RunConfig const&, train::PlanRequest const&) -> train::Plan {
    throw std::bad_alloc();
  };
  CHECK_THAT(said(), ContainsSubstring("not enough memory; less is needed with"));
}

TEST_CASE("another failure than for memory is told as it is", "[unit]") {
  test::TemporaryFolder const folder;
  auto program = recipe();
  program.train = [](app::TrainingRun const&, train::RunLoader&) -> train::RunSummary {
    throw Error("the disk is full.");
  };
  auto const outcome = run_mine(two_steps(folder), program);
  CHECK(outcome.code == 1);
  CHECK(outcome.err == "train-mine: the disk is full.\n");
}

TEST_CASE("a recipe is described to machines with every setting as what it is", "[unit]") {
  using R = recipes::stage1_umt_tome16_res448_qwen_1_5b;
  auto program = recipe();
  program.recipe = type_name<R>();
  program.stage = R::Stage::name;
  program.model = describe_model<R>(R::Stage::trained);
  auto const config = train::default_config<R>();
  auto const json = app::description_of(program, config);
  CHECK(json.at("recipe") == "stage1_umt_tome16_res448_qwen_1_5b");
  CHECK(json.at("stage") == "ConnectorInit");
  CHECK(json.at("zero") == 1);
  CHECK(json.at("parameters") == 1'838'128'640);
  CHECK(json.at("trained_parameters") == 3'935'232);
  CHECK(json.at("parts").at(2).at("component") == "Qwen2_5_1_5B");
  CHECK(json.at("parts").at(1).at("trained") == true);
  CHECK(json.at("clip_patches") == 3136);
  auto const& settings = json.at("settings");
  CHECK(settings.size() == train::settings_of(config).size());
  CHECK(settings.at("train.learning_rate") == 1e-3);
  CHECK(settings.at("train.warmup_ratio") == 0.03);
  CHECK(settings.at("train.dtype") == "bfloat16");
  CHECK(settings.at("train.global_batch") == 512);
  CHECK(settings.at("train.micro_batch") == 16);
  CHECK(settings.at("data.max_length") == 8192);
  CHECK(settings.at("train.gradient_checkpointing") == true);
  CHECK(settings.at("data.image_aspect_ratio") == "square");
}

TEST_CASE("JSON is only of what is printed", "[unit]") {
  auto const outcome = run_mine({"--json"});
  CHECK(outcome.code == 2);
  CHECK(outcome.err == "train-mine: --json goes with --describe or --plan.\n");
}
