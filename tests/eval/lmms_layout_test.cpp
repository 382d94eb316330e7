#include <vcflash/eval/lmms_layout.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include <vcflash/eval/benchmarks/charades.hpp>
#include <vcflash/eval/benchmarks/mvbench.hpp>

#include "tests/eval/golden_candidates.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Json = nlohmann::ordered_json;

namespace {

Json golden(std::string const& name) {
  return Json::parse(vcflash::test::golden_text("data/lmms_output_example/" + name));
}

/// The example without what it says about its own abridgement.
Json without_notes(Json json) {
  if (!json.is_structured()) return json;
  if (json.is_object()) json.erase("_note");
  for (auto& member : json) member = without_notes(member);
  return json;
}

}  // namespace

TEST_CASE("a run is written as upstream's harness writes it", "[golden]") {
  auto const named = golden("folder.json");
  auto const results = without_notes(golden("results.json"));
  LmmsRun run{.model_args = named.at("model_args"),
              .suffix = "mvbench",
              .git_hash = results.at("git_hash")};
  CHECK(run.model == results.at("model_configs").at("model"));
  MvBench const benchmark;
  auto const tasks = MvBench::tasks();

  std::vector<Row> rows;
  std::vector<Answer> answers;
  std::vector<Json> expected(tasks.size());
  std::size_t files = 0;
  for (auto const& entry : std::filesystem::directory_iterator(
           vcflash::test::golden_folder("data/lmms_output_example"))) {
    auto const stem = entry.path().stem().string();
    if (stem == "folder" || stem == "results") continue;
    auto const place = std::ranges::find(tasks, stem, &Task::name);
    REQUIRE(place != tasks.end());
    auto const task = static_cast<std::size_t>(place - tasks.begin());
    expected[task] = without_notes(golden(stem + ".json"));
    run.time = expected[task].at("time");
    for (auto const& log : expected[task].at("logs")) {
      rows.push_back({.task = task, .doc_id = log.at("doc_id"), .doc = log.at("doc")});
      answers.push_back(
          vcflash::test::graded(benchmark, rows.back(), log.at("filtered_resps").at(0)));
    }
    ++files;
  }
  REQUIRE(files > 0);

  vcflash::test::TemporaryFolder const out;
  auto const folder = write_lmms_layout(out.path(), benchmark, rows, answers,
                                        benchmark.aggregate(rows, answers), run);
  CHECK(named.at("folder_name_for_time_" + run.time + "_suffix_mvbench") ==
        folder.filename().string());
  auto const written = [&](std::string const& name) {
    return vcflash::test::read_file(folder / name);
  };
  CHECK(written("results.json") == results.dump(4));
  std::size_t found = 0;
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    auto const name = tasks[task].name + ".json";
    CHECK(std::filesystem::exists(folder / name) == !expected[task].is_null());
    if (expected[task].is_null()) continue;
    ++found;
    CHECK(written(name) == expected[task].dump(4));
  }
  CHECK(found == files);
}

TEST_CASE("a folder's name says when in Singapore, and cuts long suffixes", "[unit]") {
  CHECK(lmms_time(0) == "0101_0800");
  LmmsRun const run{.model_args = "a", .suffix = "perceptiontest_val_mc", .time = "0101_0800"};
  CHECK(lmms_folder(run).starts_with("0101_0800_perce...al_mc_videochat_flash_model_args_"));
}

TEST_CASE("of a submission there is a file and no value", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  Row const row{.doc = {{"video", "a.mp4"}, {"caption", "x"}, {"timestamp", {1.0, 2.0}}}};
  std::vector<Answer> const answers{{.text = "1 - 2"}};
  Charades const benchmark;
  auto const folder =
      write_lmms_layout(out.path(), benchmark, {row}, answers, benchmark.aggregate({row}, answers),
                        {.suffix = "s", .time = "t"});
  auto const results = Json::parse(vcflash::test::read_file(folder / "results.json"));
  CHECK(results.at("results").at(std::string(Charades::name)).at("submission,none").is_null());
  auto const file = fmt::format("inference_results_{}_t.json", std::string(Charades::name));
  CHECK(Json::parse(vcflash::test::read_file(folder / "submissions" / file)) ==
        Json{{"a.mp4>>>x>>>[1.0, 2.0]", "1 - 2"}});
}
