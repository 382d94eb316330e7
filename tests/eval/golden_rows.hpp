#pragma once

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <vcflash/eval/rows.hpp>

#include "tests/support/golden.hpp"

/// What the golden data say of upstream's evaluation: {meta, docs, samples}.
namespace vcflash::test {

/// The evaluation files of a benchmark, as the golden functions name them: there may be one of
/// true rows and one of constructed rows.
inline std::vector<std::string> golden_evaluations(std::string const& beginning) {
  std::vector<std::string> files;
  for (auto const& entry : std::filesystem::directory_iterator(golden_folder("data"))) {
    auto const name = entry.path().filename().string();
    if (name.starts_with(beginning)) files.push_back("data/" + name);
  }
  std::ranges::sort(files);
  REQUIRE_FALSE(files.empty());
  return files;
}

/// One evaluation file, and its questions as a benchmark would have loaded them.
template <class B>
struct GoldenRows {
  explicit GoldenRows(std::string const& file)
      : golden(nlohmann::ordered_json::parse(golden_text(file))) {
    auto const tasks = B::tasks();
    std::int64_t id = 0;
    for (auto const& doc : golden.at("docs")) {
      auto const task =
          std::ranges::find(tasks, doc.at("task").get<std::string>(), &eval::Task::name);
      REQUIRE(task != tasks.end());
      rows.push_back({.task = static_cast<std::size_t>(task - tasks.begin()),
                      .doc_id = id++,
                      .doc = doc.at("doc"),
                      .data = "annotations",
                      .media = "media"});
    }
  }

  nlohmann::ordered_json const& doc(std::size_t i) const { return golden.at("docs")[i]; }
  nlohmann::ordered_json const& meta() const { return golden.at("meta"); }
  nlohmann::ordered_json const& samples() const { return golden.at("samples"); }
  eval::Row const& row_of(nlohmann::ordered_json const& sample) const {
    return rows.at(sample.at("doc").get<std::size_t>());
  }

  nlohmann::ordered_json golden;
  std::vector<eval::Row> rows;
};

/// Where a golden path is below our media folder: its root is written in one of several ways.
inline std::filesystem::path below_media(std::string path, std::string const& cache_dir = "media") {
  for (auto const& [root, ours] :
       std::vector<std::pair<std::string, std::string>>{{"your_data_dir", "media"},
                                                        {"your_eval_data_dir", "media"},
                                                        {"p2hdd:s3:/", "media"},
                                                        {"<cache_dir>", cache_dir}}) {
    if (path.starts_with(root + "/")) return ours + path.substr(root.size());
  }
  FAIL("no known root: " << path);
  return path;
}

/// Compares what is asked: prompts, media, right answers, and the settings of each task.
template <class B>
void check_questions(B const& benchmark, GoldenRows<B> const& golden) {
  for (std::size_t i = 0; i < golden.rows.size(); ++i) {
    auto const& expected = golden.doc(i);
    auto const& row = golden.rows[i];
    INFO("question " << i << " of " << expected.at("task"));
    CHECK(benchmark.prompt(row) == expected.at("prompt"));
    CHECK(benchmark.target(row) == nlohmann::json(expected.at("target")));
    auto const medium = benchmark.medium(row);
    CHECK(medium.video == below_media(expected.at("video_path")));
    auto const& media = expected.at("media");
    CHECK(media.at("video_read_type") == (medium.frame_folder ? "img" : "decord"));
    CHECK(medium.start.has_value() == media.contains("start"));
    CHECK(medium.end.has_value() == media.contains("end"));
    CHECK(media.size() == (medium.start ? 3 : 1));
    if (medium.start) CHECK(*medium.start == media.at("start"));
    if (medium.end) CHECK(*medium.end == media.at("end"));
  }
}

/// Compares a task's settings with `meta.tasks`.
inline void check_tasks(std::vector<eval::Task> const& tasks, nlohmann::ordered_json const& meta) {
  CHECK(meta.size() == tasks.size());
  for (auto const& task : tasks) {
    INFO(task.name);
    auto const& expected = meta.at(task.name);
    CHECK(task.split == expected.at("split"));
    if (expected.contains("dataset_name")) CHECK(task.dataset_name == expected["dataset_name"]);
    if (expected.contains("metric")) CHECK(task.metric == expected["metric"]);
    CHECK(nlohmann::json(task.generation) == nlohmann::json(expected.at("generation")));
    CHECK(nlohmann::json(task.specific) == nlohmann::json(expected.at("specific")));
  }
}

inline auto near(double expected) { return Catch::Matchers::WithinAbs(expected, 1e-9); }

}  // namespace vcflash::test
