#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <vcflash/eval/all_benchmarks.hpp>
#include <vcflash/eval/benchmarks/charades.hpp>
#include <vcflash/eval/benchmarks/long_video_bench.hpp>
#include <vcflash/eval/benchmarks/lvbench.hpp>
#include <vcflash/eval/benchmarks/mlvu.hpp>
#include <vcflash/eval/benchmarks/mvbench.hpp>
#include <vcflash/eval/benchmarks/perception_test.hpp>
#include <vcflash/eval/benchmarks/shapes.hpp>
#include <vcflash/eval/benchmarks/video_mme.hpp>
#include <vcflash/eval/exam.hpp>
#include <vcflash/meta/error.hpp>

namespace vcflash::eval {

namespace detail {

/// A new benchmark is a header and a word here.
using Benchmarks = std::tuple<Shapes, MvBench, VideoMme, VideoMmeSubtitles, LongVideoBench, Mlvu,
                              LvBench, PerceptionTest, Charades>;

}  // namespace detail

VCFLASH_INLINE std::string benchmark_names() {
  std::string names;
  std::apply(
      [&](auto const&... benchmark) {
        ((names += fmt::format("{}{}", names.empty() ? "" : ", ",
                               std::remove_cvref_t<decltype(benchmark)>::name)),
         ...);
      },
      detail::Benchmarks{});
  return names;
}

VCFLASH_INLINE std::unique_ptr<Exam> open_exam(std::string const& name,
                                               ExamOptions const& options) {
  std::unique_ptr<Exam> exam;
  auto const try_one = [&]<class B>(B benchmark) {
    if (name != B::name) return;
    if constexpr (requires { benchmark.scoring; }) benchmark.scoring = options.scoring;
    if constexpr (requires { benchmark.media; }) benchmark.media = options.media;
    auto questions = benchmark.load(options.data);
    if (options.limit > 0) {
      std::map<std::size_t, std::int64_t> asked;
      std::erase_if(questions, [&](auto const& question) {
        std::size_t task = 0;
        if constexpr (requires { question.task; }) task = question.task;
        return ++asked[task] > options.limit;
      });
    }
    exam = std::make_unique<ExamOf<B>>(std::move(benchmark), std::move(questions));
  };
  std::apply([&](auto... benchmark) { (try_one(std::move(benchmark)), ...); },
             detail::Benchmarks{});
  if (!exam) {
    throw InputError(fmt::format("--benchmark {}: there is no such benchmark; there is: {}.", name,
                                 benchmark_names()));
  }
  return exam;
}

}  // namespace vcflash::eval
