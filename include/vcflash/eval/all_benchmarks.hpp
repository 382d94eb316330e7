#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <vcflash/eval/exam.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::eval {

/// The names of the benchmarks that `eval-<model>` knows, as a sentence lists them.
std::string benchmark_names();

/// Which questions to ask.
struct ExamOptions {
  std::filesystem::path data{};   ///< folder of the questions
  std::filesystem::path media{};  ///< of their videos; empty: the same
  Scoring scoring = Scoring::upstream;
  std::int64_t limit = 0;  ///< only so many questions of each task; 0: all
};

/// Reads a benchmark's questions.
/// \throws InputError if there is no such benchmark, or its questions cannot be read
std::unique_ptr<Exam> open_exam(std::string const& name, ExamOptions const& options);

}  // namespace vcflash::eval

#ifndef VCFLASH_SEPARATE
#include <vcflash/eval/all_benchmarks.ipp>
#endif
