#pragma once

#include <memory>
#include <string>
#include <vector>

#include <vcflash/eval/exam.hpp>
#include <vcflash/eval/registry.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::eval {

/// The names of the benchmarks that `eval-<model>` knows, as a sentence lists them.
std::string benchmark_names();

/// A benchmark, or some of its tasks, to be asked.
struct Selection {
  std::string benchmark{};
  std::vector<std::string> tasks{};  ///< names, of a file also patterns; empty: all
};

/// What names mean: benchmarks, tasks of them, or patterns (`mvbench_*`) of either. A pattern that
/// benchmarks match means these, else the tasks that match it; tasks of one benchmark are asked
/// together. Of a benchmark that is a file the parts are known when it is read: what stands behind
/// its name and `_`, or behind `mine.toml:`, is a part or a pattern of some. A name that is none of
/// them stays as it is, for `open_exam` to refuse.
std::vector<Selection> selection_of(std::vector<std::string> const& names);

/// A benchmark's name without the folders and the ending of its file.
std::string short_name(std::string const& benchmark);

/// Reads a benchmark's questions.
/// \param name of a benchmark, or a file `.toml` that describes one (benchmark_spec.hpp)
/// \throws InputError if there is no such benchmark, its questions cannot be read, or two have one
///   name
std::unique_ptr<Exam> open_exam(std::string const& name, ExamOptions const& options);

}  // namespace vcflash::eval

#ifndef VCFLASH_SEPARATE
#include <vcflash/eval/all_benchmarks.ipp>
#endif
