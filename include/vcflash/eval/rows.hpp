#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/eval/benchmark.hpp>
#include <vcflash/meta/error.hpp>

/// Benchmarks whose questions are rows of JSON files, as upstream's evaluation has them.
namespace vcflash::eval {

/// One of upstream's tasks: a file of rows that are asked and graded alike.
struct Task {
  std::string name;
  std::string dataset_path, dataset_name, split;  ///< as upstream's configuration names them
  std::string file;                               ///< of the rows, without `.json`
  std::string metric;
  nlohmann::ordered_json generation, specific;  ///< settings that upstream's configuration has
};

/// Upstream's greedy settings.
inline nlohmann::ordered_json greedy_generation(std::int64_t max_new_tokens) {
  return {{"max_new_tokens", max_new_tokens},
          {"temperature", 0.0},
          {"top_p", 1.0},
          {"num_beams", 1},
          {"do_sample", false}};
}

/// One question, as its file has it.
struct Row {
  std::size_t task = 0;     ///< which of the benchmark's tasks
  std::int64_t doc_id = 0;  ///< place in the task's file
  nlohmann::ordered_json doc{};
  std::filesystem::path data{}, media{};  ///< folders that the row's paths are in
};

/// A field of a row, as text.
inline std::string text_of(Row const& row, char const* key) {
  return row.doc.at(key).get<std::string>();
}

/// The choices `(A) first\n(B) second\n`, or with other marks around the letter.
inline std::string lettered(std::vector<std::string> const& options, std::string_view before,
                            std::string_view after) {
  std::string lines;
  char letter = 'A';
  for (auto const& option : options) {
    lines += fmt::format("{}{}{}{}\n", before, letter++, after, option);
  }
  return lines;
}

/// The clip that a row may name.
inline void set_clip(MediumRequest& medium, Row const& row) {
  if (!row.doc.contains("start")) return;
  medium.start = row.doc.at("start").get<double>();
  medium.end = row.doc.at("end").get<double>();
}

namespace detail {

inline std::vector<nlohmann::ordered_json> read_rows(std::filesystem::path const& path) {
  std::ifstream file(path);
  nlohmann::ordered_json rows;
  try {
    rows = nlohmann::ordered_json::parse(file);
  } catch (nlohmann::json::exception const& error) {
    throw InputError(fmt::format("{}: no JSON ({}).", path.string(), error.what()));
  }
  if (!rows.is_array()) {
    throw InputError(fmt::format("{}: holds no array of questions.", path.string()));
  }
  return rows;
}

}  // namespace detail

/// Reads the rows of a benchmark's tasks from `folder/json` or `folder`, and tries each once: a
/// row that cannot be asked is an error before the first answer, not an hour later.
/// \throws InputError naming the file, and the row
template <class B>
std::vector<Row> load_rows(B const& benchmark, std::filesystem::path const& folder) {
  std::vector<Row> rows;
  auto const tasks = B::tasks();
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    auto path = folder / "json" / (tasks[task].file + ".json");
    if (!std::filesystem::exists(path)) path = folder / (tasks[task].file + ".json");
    if (!std::filesystem::exists(path)) {
      throw InputError(fmt::format(
          "{0}: there is neither json/{1}.json nor {1}.json here, the questions of {2}.",
          folder.string(), tasks[task].file, tasks[task].name));
    }
    std::int64_t doc_id = 0;
    for (auto& doc : detail::read_rows(path)) {
      rows.push_back({task, doc_id, std::move(doc), folder,
                      benchmark.media.empty() ? folder : benchmark.media});
      try {
        benchmark.prompt(rows.back());
        benchmark.medium(rows.back());
        benchmark.score(rows.back(), benchmark.parse(rows.back(), ""));
      } catch (nlohmann::json::exception const& error) {
        throw InputError(fmt::format("{}: question {} cannot be asked ({}).", path.string(), doc_id,
                                     error.what()));
      } catch (InputError const& error) {
        throw InputError(fmt::format("{}: question {}: {}", path.string(), doc_id, error.what()));
      }
      ++doc_id;
    }
  }
  if (rows.empty()) throw InputError(fmt::format("{}: holds no questions.", folder.string()));
  return rows;
}

/// What the benchmarks of this kind share.
template <class Derived>
struct RowBenchmark {
  using Question = Row;

  Scoring scoring = Scoring::upstream;
  std::filesystem::path media{};  ///< folder of the videos; empty: that of the questions

  std::vector<Row> load(std::filesystem::path const& folder) const {
    return load_rows(static_cast<Derived const&>(*this), folder);
  }
  /// The task that a row is of.
  static Task const& task_of(Row const& row) {
    static auto const tasks = Derived::tasks();
    return tasks.at(row.task);
  }
  std::string id(Row const& row) const {
    return fmt::format("{}/{}", task_of(row).name, row.doc_id);
  }
  bool counts(Row const&) const { return true; }
  nlohmann::json record(Row const& row) const {
    auto const& derived = static_cast<Derived const&>(*this);
    auto const medium = derived.medium(row);
    nlohmann::json record{{"question", derived.prompt(row)},
                          {"task", task_of(row).name},
                          {"right", derived.target(row)},
                          {"video", medium.video.string()}};
    if (medium.start) record["clip"] = {*medium.start, *medium.end};
    return record;
  }
  nlohmann::json target(Row const& row) const { return row.doc.at("answer"); }
};

}  // namespace vcflash::eval
