#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/eval/exam.hpp>

/// The benchmarks in C++ that programs know by name: vcflash's own (all_benchmarks.hpp), and those
/// that a project registers for its programs.
namespace vcflash::eval {

/// Which questions to ask.
struct ExamOptions {
  std::filesystem::path data{};   ///< folder of the questions
  std::filesystem::path media{};  ///< of their videos; empty: the same
  Scoring scoring = Scoring::upstream;
  double limit = 0;  ///< only so many questions of each task, or below 1 such a share; 0: all
  std::vector<std::string> tasks{};  ///< names of those that are asked; empty: all
};

/// How many of so many questions are asked.
inline std::int64_t limited(std::int64_t questions, double limit) {
  if (limit <= 0) return questions;
  auto const most = limit < 1 ? std::ceil(static_cast<double>(questions) * limit) : limit;
  return std::min(questions, static_cast<std::int64_t>(most));
}

/// A benchmark, whatever its type.
struct RegisteredBenchmark {
  std::string name;
  std::vector<std::string> tasks;  ///< their names; none if it has but one
  std::function<std::unique_ptr<Exam>(ExamOptions const&)> open;
};

namespace detail {

/// Leaves the first questions of each task.
template <class Question>
void limit_to(std::vector<Question>& questions, double limit) {
  auto const task_of = [](Question const& question) -> std::size_t {
    if constexpr (requires { question.task; }) return question.task;
    return 0;
  };
  std::map<std::size_t, std::int64_t> all, asked;
  for (auto const& question : questions) ++all[task_of(question)];
  std::erase_if(questions, [&](auto const& question) {
    auto const task = task_of(question);
    return ++asked[task] > limited(all[task], limit);
  });
}

template <Benchmark B>
RegisteredBenchmark entry_of() {
  RegisteredBenchmark entry{.name = std::string(B::name), .tasks = {}, .open = {}};
  if constexpr (requires { B::tasks(); }) {
    auto const tasks = B::tasks();
    for (auto const& task : tasks) {
      if (tasks.size() > 1) entry.tasks.push_back(task.name);
    }
  }
  entry.open = [](ExamOptions const& options) {
    B benchmark;
    if constexpr (requires { benchmark.scoring; }) benchmark.scoring = options.scoring;
    if constexpr (requires { benchmark.media; }) benchmark.media = options.media;
    if constexpr (requires { benchmark.only_tasks; }) benchmark.only_tasks = options.tasks;
    auto questions = benchmark.load(options.data);
    limit_to(questions, options.limit);
    return std::make_unique<ExamOf<B>>(std::move(benchmark), std::move(questions));
  };
  return entry;
}

/// What `register_benchmark` added.
inline std::vector<RegisteredBenchmark>& registered_benchmarks() {
  static std::vector<RegisteredBenchmark> all;
  return all;
}

}  // namespace detail

/// Lets this program know a benchmark by its name, before anything is asked for by name.
template <Benchmark B>
void register_benchmark() {
  detail::registered_benchmarks().push_back(detail::entry_of<B>());
}

}  // namespace vcflash::eval
