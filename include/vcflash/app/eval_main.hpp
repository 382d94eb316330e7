#pragma once

#include <vcflash/app/log.hpp>
#include <vcflash/app/machine.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/app/trained_model.hpp>
#include <vcflash/app/viewing.hpp>
#include <vcflash/eval/benchmarks/shapes.hpp>
#include <vcflash/eval/run.hpp>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace vcflash::app {

/// Every benchmark that `eval-<model>` knows.
using Benchmarks = std::tuple<eval::Shapes>;

namespace detail {

struct EvalArguments {
  std::filesystem::path model, data, out;
  std::string benchmark, dtype = "float32";
  std::int64_t limit = 0;
  Viewing viewing;
};

/// Runs one benchmark and writes what came of it.
template <Model M, eval::Benchmark B>
void evaluate(B const& benchmark, EvalArguments const& arguments) {
  auto questions = benchmark.load(arguments.data);
  if (arguments.limit > 0 && arguments.limit < std::ssize(questions)) {
    questions.erase(questions.begin() + arguments.limit, questions.end());
  }
  auto const viewing =
      arguments.viewing.options(arguments.model, M::Encoder::clip_frames, M::time_message);
  double const began = Progress::steady_seconds();
  auto const model = TrainedModel<M>::from_folder(arguments.model, dtype_of(arguments.dtype));

  std::vector<eval::Answer> answers;
  {
    Progress progress(std::string(B::name), "question", std::ssize(questions));
    answers = eval::run<M>(model.network, model.tokenizer, benchmark, questions, viewing,
                           [&](std::int64_t done, double score, eval::Answer const& answer) {
                             if (!answer.problem.empty()) spdlog::warn("{}", answer.problem);
                             progress.update(done, fmt::format("score {:.3f}", score));
                           });
  }
  double const seconds = Progress::steady_seconds() - began;
  nlohmann::ordered_json const about{
      {"model", std::string(std::string_view(M::name))},
      {"folder", arguments.model.string()},
      {"dtype", arguments.dtype},
      {"frames",
       {{"least", viewing.frames.min_frames},
        {"most", viewing.frames.max_frames},
        {"sampling", std::string(name_of(viewing.frames.sampling))}}},
      {"time_message", viewing.time_message},
      {"asked", questions.size()},
      {"seconds", seconds}};
  eval::write_results(arguments.out, benchmark, questions, answers, about);
  fmt::print("{}\n{} questions in {}; see {}\n", benchmark.aggregate(questions, answers).dump(2),
             questions.size(), as_duration(seconds), (arguments.out / "results.json").string());
}

}  // namespace detail

/// The program `eval-<model>`.
template <Model M>
int eval_main(int argc, char** argv) {
  auto const name = fmt::format("eval-{}", std::string_view(M::name));
  Program program(name,
                  fmt::format("Asks the model {} a benchmark's questions about videos and grades "
                              "its answers.",
                              std::string_view(M::name)),
                  fmt::format("{} --model demo-out/stage4 --benchmark shapes --data demo-out/data "
                              "--out demo-out/eval",
                              name));
  std::string known;
  std::apply(
      [&](auto... benchmark) {
        ((known += std::string(known.empty() ? "" : ", ") + std::string(decltype(benchmark)::name)),
         ...);
      },
      Benchmarks{});
  detail::EvalArguments arguments;
  auto& flags = program.flags();
  flags.add_option("--model", arguments.model, "Folder that a training ended with")
      ->type_name("FOLDER")
      ->required();
  flags.add_option("--benchmark", arguments.benchmark, "One of: " + known)
      ->type_name("NAME")
      ->required();
  flags.add_option("--data", arguments.data, "Folder of the benchmark's questions and videos")
      ->type_name("DIR")
      ->required();
  flags.add_option("--out", arguments.out, "Folder for answers.jsonl and results.json")
      ->type_name("DIR")
      ->required();
  flags.add_option("--limit", arguments.limit, "Ask only so many questions; 0: all")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  flags.add_option("--dtype", arguments.dtype, "float32 or bfloat16")
      ->check(CLI::IsMember({"float32", "bfloat16"}))
      ->capture_default_str();
  arguments.viewing.add_flags(flags);

  return program.run(argc, argv, [&] {
    set_up_log(name);
    bool found = false;
    make_folder(arguments.out);
    std::apply(
        [&](auto... benchmark) {
          ((arguments.benchmark == decltype(benchmark)::name
                ? (found = true, detail::evaluate<M>(benchmark, arguments))
                : void()),
           ...);
        },
        Benchmarks{});
    if (!found) {
      throw InputError(fmt::format("--benchmark {}: there is no such benchmark; there is: {}.",
                                   arguments.benchmark, known));
    }
  });
}

}  // namespace vcflash::app
