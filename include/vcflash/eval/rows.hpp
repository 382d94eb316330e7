#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/benchmark.hpp>

/// Benchmarks whose questions are rows of JSON files, as upstream's evaluation has them.
namespace vcflash::eval {

/// One of upstream's tasks: a file of rows that are asked and graded alike.
struct Task {
  std::string name;
  std::string dataset_path{}, dataset_name{}, split{};  ///< as upstream's configuration names them
  std::string file{};                                   ///< of the rows, without `.json`
  std::string metric{};
  nlohmann::ordered_json generation{}, specific{};  ///< settings that upstream's configuration has
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

/// Whether a row has a field. A field of null is none: tables write it where nothing is.
inline bool has(Row const& row, std::string_view key) {
  auto const field = row.doc.find(key);
  return field != row.doc.end() && !field->is_null();
}

namespace detail {

/// The start of a value as a message shows it.
inline std::string shown(nlohmann::ordered_json const& value) {
  constexpr std::size_t most = 60;
  auto text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return text.size() > most ? text.substr(0, most) + "…" : text;
}

/// A field of a row.
/// \param fits whether a value is what is wanted  \param wanted in words
/// \throws InputError naming the field, what it holds and what is wanted
template <class Fits>
nlohmann::ordered_json const& field(Row const& row, std::string_view key, Fits&& fits,
                                    std::string_view wanted) {
  auto const found = row.doc.find(key);
  if (found == row.doc.end() || !fits(*found)) {
    throw InputError(fmt::format("its \"{}\" is {}; {} is expected.", key,
                                 found == row.doc.end() ? "missing" : shown(*found), wanted));
  }
  return *found;
}

}  // namespace detail

/// A field of a row, as text.  \throws InputError if it is missing or another thing
inline std::string text_of(Row const& row, std::string_view key) {
  return detail::field(
             row, key, [](auto const& value) { return value.is_string(); }, "a text")
      .template get<std::string>();
}

/// A list of texts.  \throws InputError if it is missing or another thing
inline std::vector<std::string> texts_of(Row const& row, std::string_view key) {
  auto const fits = [](nlohmann::ordered_json const& value) {
    return value.is_array() &&
           std::ranges::all_of(value, [](auto const& text) { return text.is_string(); });
  };
  return detail::field(row, key, fits, "a list of texts").get<std::vector<std::string>>();
}

/// A number.  \throws InputError if it is missing or another thing
inline double number_of(Row const& row, std::string_view key) {
  return detail::field(
             row, key, [](auto const& value) { return value.is_number(); }, "a number")
      .template get<double>();
}

/// A number without a fraction.  \throws InputError if it is missing or another thing
inline std::int64_t integer_of(Row const& row, std::string_view key) {
  return detail::field(
             row, key, [](auto const& value) { return value.is_number_integer(); },
             "a whole number")
      .template get<std::int64_t>();
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

/// The clip that a row may name.  \throws InputError if it names one end only
inline void set_clip(MediumRequest& medium, Row const& row) {
  if (!has(row, "start") && !has(row, "end")) return;
  medium.start = number_of(row, "start");
  medium.end = number_of(row, "end");
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

/// The file of a task's rows in `folder/json` or `folder`; none if it is not there.
inline std::optional<std::filesystem::path> question_file(std::filesystem::path const& folder,
                                                          Task const& task) {
  for (auto const& path :
       {folder / "json" / (task.file + ".json"), folder / (task.file + ".json")}) {
    if (std::filesystem::exists(path)) return path;
  }
  return std::nullopt;
}

/// Does once with a row what a run will do with it.
/// \throws InputError saying what of the row is not as it must be
template <class B>
void try_row(B const& benchmark, Row const& row) {
  if (!row.doc.is_object()) {
    throw InputError(fmt::format("it is {}; an object is expected.", shown(row.doc)));
  }
  try {
    benchmark.prompt(row);
    benchmark.medium(row);
    benchmark.record(row);
    Answer answer;
    answer.parsed = benchmark.parse(row, "");
    answer.score = benchmark.score(row, answer.parsed);
    benchmark.aggregate({row}, {answer});
    if constexpr (requires { benchmark.log(row, answer); }) benchmark.log(row, answer);
  } catch (nlohmann::json::exception const& error) {
    throw InputError(fmt::format("it cannot be asked ({}).", error.what()));
  }
}

}  // namespace detail

/// Reads the rows of a benchmark's tasks from `folder/json` or `folder`, and tries each once: a
/// row that cannot be asked or graded is an error before the first answer, not an hour later. A
/// task of several whose file is not there has no rows.
/// \throws InputError naming the file, and the row
template <class B>
std::vector<Row> load_rows(B const& benchmark, std::filesystem::path const& folder) {
  std::vector<Row> rows;
  auto const tasks = B::tasks();
  std::optional<std::size_t> missing;
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    if (!benchmark.takes_task(tasks[task].name)) continue;
    auto const path = detail::question_file(folder, tasks[task]);
    if (!path) {
      if (!missing) missing = task;
      continue;
    }
    std::int64_t doc_id = 0;
    for (auto& doc : detail::read_rows(*path)) {
      rows.push_back({task, doc_id, std::move(doc), folder,
                      benchmark.media.empty() ? folder : benchmark.media});
      try {
        detail::try_row(benchmark, rows.back());
      } catch (InputError const& error) {
        throw InputError(fmt::format("{}: question {}: {}", path->string(), doc_id, error.what()));
      }
      ++doc_id;
    }
  }
  if (rows.empty() && missing) {
    throw InputError(
        fmt::format("{0}: there is neither json/{1}.json nor {1}.json here, the questions of {2}.",
                    folder.string(), tasks[*missing].file, tasks[*missing].name));
  }
  if (rows.empty()) throw InputError(fmt::format("{}: holds no questions.", folder.string()));
  return rows;
}

/// What the benchmarks of this kind share. A benchmark of this kind may have a member
/// `doubt(row)`, which says what is odd about a row that can be asked nevertheless; empty: nothing.
template <class Derived>
struct RowBenchmark {
  using Question = Row;

  Scoring scoring = Scoring::upstream;
  std::filesystem::path media{};          ///< folder of the videos; empty: that of the questions
  std::vector<std::string> only_tasks{};  ///< names of the tasks that are asked; empty: all

  bool takes_task(std::string const& name) const {
    return only_tasks.empty() || std::ranges::find(only_tasks, name) != only_tasks.end();
  }

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

  /// What should be known before these rows are asked, a sentence each: tasks without a file, and
  /// rows that are odd.
  std::vector<std::string> notes(std::vector<Row> const& rows) const {
    std::vector<std::string> notes;
    if (rows.empty()) return notes;
    auto const& folder = rows.front().data;
    for (auto const& task : Derived::tasks()) {
      if (takes_task(task.name) && !detail::question_file(folder, task)) {
        notes.push_back(fmt::format("{} is left out: there is no {}.json in {}.", task.name,
                                    task.file, folder.string()));
      }
    }
    if constexpr (requires(Derived const& derived) { derived.doubt(rows.front()); }) {
      for (auto const& row : rows) {
        auto const doubt = static_cast<Derived const&>(*this).doubt(row);
        if (!doubt.empty()) notes.push_back(fmt::format("{}: {}", id(row), doubt));
      }
    }
    return notes;
  }
};

}  // namespace vcflash::eval
