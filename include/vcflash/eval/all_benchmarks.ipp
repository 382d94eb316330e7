#pragma once

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/base/nearest.hpp>
#include <vcflash/eval/all_benchmarks.hpp>
#include <vcflash/eval/benchmark_file.hpp>
#include <vcflash/eval/benchmarks/charades.hpp>
#include <vcflash/eval/benchmarks/long_video_bench.hpp>
#include <vcflash/eval/benchmarks/lvbench.hpp>
#include <vcflash/eval/benchmarks/mlvu.hpp>
#include <vcflash/eval/benchmarks/mvbench.hpp>
#include <vcflash/eval/benchmarks/perception_test.hpp>
#include <vcflash/eval/benchmarks/shapes.hpp>
#include <vcflash/eval/benchmarks/video_mme.hpp>
#include <vcflash/eval/exam.hpp>
#include <vcflash/eval/needle_exam.hpp>
#include <vcflash/eval/registry.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::eval {

namespace detail {

/// vcflash's own, to which a new one is added by a word here, and those that were registered.
/// \throws InputError if two have one name
inline std::vector<RegisteredBenchmark> known_benchmarks() {
  std::vector<RegisteredBenchmark> all{entry_of<Shapes>(),         entry_of<MvBench>(),
                                       entry_of<VideoMme>(),       entry_of<VideoMmeSubtitles>(),
                                       entry_of<LongVideoBench>(), entry_of<Mlvu>(),
                                       entry_of<LvBench>(),        entry_of<PerceptionTest>(),
                                       entry_of<Charades>()};
  for (auto const& benchmark : registered_benchmarks()) {
    if (std::ranges::find(all, benchmark.name, &RegisteredBenchmark::name) != all.end()) {
      throw InputError(fmt::format("two benchmarks have the name {}.", benchmark.name));
    }
    all.push_back(benchmark);
  }
  return all;
}

/// Calls `visit(name, tasks)` with every benchmark's name and the names of its tasks, if it has
/// several.
template <class Visit>
void visit_names(Visit&& visit) {
  for (auto const& benchmark : known_benchmarks()) visit(benchmark.name, benchmark.tasks);
  for (auto const& shipped : shipped_benchmarks()) {
    visit(std::string(shipped.name), std::vector<std::string>());
  }
  for (auto const hops : {needle::Hops::single, needle::Hops::multi}) {
    visit(std::string(needle::name_of(hops)), std::vector<std::string>());
  }
}

inline bool matches(std::string const& name, std::string const& pattern) {
  return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

/// Leaves the first questions of each task; of groups of questions all or none.
inline void limit_to(std::vector<FileQuestion>& questions, double limit) {
  std::map<std::string, std::int64_t> all, asked;
  for (auto const& question : questions) ++all[question.task];
  std::set<std::string> begun;
  std::erase_if(questions, [&](FileQuestion const& question) {
    bool const kept = ++asked[question.task] <= limited(all[question.task], limit);
    if (!question.place) return !kept;
    if (kept) begun.insert(question.place->group);
    return !begun.contains(question.place->group);
  });
}

inline void require_different_names(Exam const& exam) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < exam.size(); ++i) {
    auto const name = exam.id(i);
    if (!names.insert(name).second) {
      throw InputError(fmt::format(
          "{}: two questions have the name {}, so that their answers could not be told apart.",
          exam.name(), text::in_quotes(name)));
    }
  }
}

/// As names of parts are compared: small letters, with underscores for blanks.
inline std::string part_name(std::string name) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    if (c == ' ') c = '_';
  }
  return name;
}

/// Leaves the questions of these parts: tasks, or values of a column of `columns.groups`. Of
/// questions that are scored together all or none are left.
/// \param parts names or patterns; none: all are left
/// \throws InputError if there is nothing of one of them
inline void take_parts(std::vector<FileQuestion>& questions, std::vector<std::string> const& parts,
                       std::string const& benchmark) {
  if (parts.empty()) return;
  std::set<std::string> there, wanted_groups;
  auto const parts_of = [](FileQuestion const& question) {
    auto names = question.groups;
    names.push_back(question.task);
    for (auto& name : names) name = part_name(name);
    std::erase(names, "");
    return names;
  };
  for (auto const& question : questions) {
    for (auto& name : parts_of(question)) there.insert(std::move(name));
  }
  for (auto const& part : parts) {
    if (std::ranges::any_of(there,
                            [&](auto const& name) { return matches(name, part_name(part)); })) {
      continue;
    }
    throw InputError(fmt::format(
        "--benchmark {0}: {1} has no part {2}; {3}", part, benchmark, text::in_quotes(part),
        there.empty() ? "it is not divided."
                      : fmt::format("it has: {}; the nearest is {}.", fmt::join(there, ", "),
                                    nearest(part_name(part), there))));
  }
  auto const wanted = [&](FileQuestion const& question) {
    return std::ranges::any_of(parts_of(question), [&](std::string const& name) {
      return std::ranges::any_of(
          parts, [&](std::string const& part) { return matches(name, part_name(part)); });
    });
  };
  for (auto const& question : questions) {
    if (question.place && wanted(question)) wanted_groups.insert(question.place->group);
  }
  std::erase_if(questions, [&](FileQuestion const& question) {
    return question.place ? !wanted_groups.contains(question.place->group) : !wanted(question);
  });
}

/// A part of a benchmark that is a file: `tvbench_action_antonym`, `tempcompass_direction` of
/// tempcompass_mc, or `mine.toml:colour`. Nothing if the name is none.
inline std::optional<Selection> part_of_file(std::string const& name) {
  if (auto const colon = name.rfind(".toml:"); colon != std::string::npos) {
    return Selection{name.substr(0, colon + 5), {name.substr(colon + 6)}};
  }
  for (auto const& shipped : shipped_benchmarks()) {
    std::string_view stem = shipped.name;
    for (int tries = 0; tries < 2; ++tries) {
      if (name.size() > stem.size() + 1 && name.starts_with(stem) && name[stem.size()] == '_') {
        return Selection{std::string(shipped.name), {name.substr(stem.size() + 1)}};
      }
      if (stem.ends_with("_mc")) stem.remove_suffix(3);
    }
  }
  return std::nullopt;
}

/// What somebody may have meant by a name that is no benchmark's, nor a task's.
inline std::string nearest_name(std::string const& name) {
  std::vector<std::string> known;
  visit_names([&](std::string const& benchmark, std::vector<std::string> const& tasks) {
    known.push_back(benchmark);
    known.insert(known.end(), tasks.begin(), tasks.end());
  });
  return std::string(nearest(name, known));
}

/// The questions of a benchmark that is a file; nothing if none has this name.
inline std::unique_ptr<Exam> open_file(std::string const& name, ExamOptions const& options) {
  std::filesystem::path path(name);
  std::string toml;
  if (path.extension() == ".toml") {
    std::ifstream file(path, std::ios::binary);
    if (!file || std::filesystem::is_directory(path)) {
      throw InputError(fmt::format("--benchmark {}: there is no such file.", name));
    }
    toml.assign(std::istreambuf_iterator<char>(file), {});
  } else {
    auto const shipped = shipped_benchmarks();
    auto const known = std::ranges::find(shipped, name, &ShippedBenchmark::name);
    if (known == shipped.end()) return nullptr;
    path += ".toml";
    toml = known->toml;
  }
  auto spec = parse_benchmark(toml, path);
  auto questions =
      read_questions(spec, options.data, options.media.empty() ? options.data : options.media);
  take_parts(questions, options.tasks, path.stem().string());
  limit_to(questions, options.limit);
  return std::make_unique<FileBenchmark>(std::move(spec), std::move(questions), options.scoring);
}

}  // namespace detail

VCFLASH_INLINE std::string short_name(std::string const& benchmark) {
  std::filesystem::path const path(benchmark);
  return path.extension() == ".toml" ? path.stem().string() : benchmark;
}

VCFLASH_INLINE std::string benchmark_names() {
  std::string names;
  detail::visit_names([&](std::string const& name, auto const&) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  });
  return names;
}

VCFLASH_INLINE std::vector<Selection> selection_of(std::vector<std::string> const& names) {
  std::vector<Selection> chosen;
  auto const add = [&](std::string const& benchmark, std::vector<std::string> const& tasks) {
    auto const place = std::ranges::find(chosen, benchmark, &Selection::benchmark);
    if (place == chosen.end()) {
      chosen.push_back({benchmark, tasks});
    } else if (tasks.empty()) {
      place->tasks.clear();
    } else if (!place->tasks.empty()) {
      place->tasks.insert(place->tasks.end(), tasks.begin(), tasks.end());
    }
  };
  for (auto const& name : names) {
    bool known = false;
    detail::visit_names([&](std::string const& benchmark, auto const&) {
      if (!detail::matches(benchmark, name)) return;
      known = true;
      add(benchmark, {});
    });
    if (known) continue;
    detail::visit_names([&](std::string const& benchmark, auto tasks) {
      std::erase_if(tasks, [&](auto const& task) { return !detail::matches(task, name); });
      if (tasks.empty()) return;
      known = true;
      add(benchmark, tasks);
    });
    if (known) continue;
    auto const part = detail::part_of_file(name);
    if (part) {
      add(part->benchmark, part->tasks);
    } else {
      add(name, {});
    }
  }
  return chosen;
}

VCFLASH_INLINE std::unique_ptr<Exam> open_exam(std::string const& name,
                                               ExamOptions const& options) {
  std::unique_ptr<Exam> exam = detail::open_file(name, options);
  for (auto const& benchmark : detail::known_benchmarks()) {
    if (benchmark.name == name) exam = benchmark.open(options);
  }
  if (!exam) {
    throw InputError(
        fmt::format("--benchmark {}: there is no such benchmark; the nearest is {}; there is: {}, "
                    "and a file of "
                    "your own, X.toml.",
                    name, detail::nearest_name(name), benchmark_names()));
  }
  detail::require_different_names(*exam);
  return exam;
}

}  // namespace vcflash::eval
