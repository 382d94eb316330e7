#include <vcflash/eval/benchmark_file.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <memory>

#include <string>
#include <vector>

#include <vcflash/eval/all_benchmarks.hpp>

#include "tests/eval/golden_rows.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using nlohmann::ordered_json;
using vcflash::test::TemporaryFolder;

namespace {

BenchmarkSpec shipped_spec(std::string const& name) {
  auto const shipped = shipped_benchmarks();
  auto const found = std::ranges::find(shipped, name, &ShippedBenchmark::name);
  REQUIRE(found != shipped.end());
  return parse_benchmark(found->toml, name + ".toml");
}

/// The golden rows of a benchmark, as its shipped file reads them.
struct GoldenBenchmark {
  explicit GoldenBenchmark(std::string const& name)
      : golden(ordered_json::parse(vcflash::test::golden_text("data/eval_more.json")).at(name)),
        spec(shipped_spec(name)) {
    auto rows = ordered_json::array();
    for (auto const& row : golden.at("rows")) {
      rows.push_back(row.at("doc"));
      // the golden rows of MotionBench have no name of their own
      if (name == "motionbench") rows.back()["uid"] = std::to_string(rows.size());
    }
    TemporaryFolder const folder;
    for (auto const& file : spec.rows.files) {
      std::string text;
      for (auto const& row : rows) text += row.dump() + "\n";
      folder.write(file, file.ends_with(".jsonl") ? text : rows.dump());
      break;
    }
    spec.rows.files.resize(1);
    questions = read_questions(spec, folder.path(), "media");
  }

  ordered_json golden;
  BenchmarkSpec spec;
  std::vector<FileQuestion> questions;
};

/// Compares prompts, every sample's score, and the mean of those that have one.
FileBenchmark check_samples(std::string const& name) {
  GoldenBenchmark const benchmark(name);
  auto const& rows = benchmark.golden.at("rows");
  REQUIRE(benchmark.questions.size() == rows.size());
  std::vector<FileQuestion> asked;
  std::vector<Said> said;
  FileBenchmark const all(benchmark.spec, benchmark.questions, Scoring::upstream);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO(name << ", row " << i);
    CHECK(all.prompt(i) == rows[i].at("prompt"));
    if (rows[i].contains("target")) CHECK(all.record(i).at("right") == json(rows[i].at("target")));
    for (auto const& sample : rows[i].at("samples")) {
      INFO(sample.dump());
      Said const answer{.text = sample.at("response")};
      auto const& score = sample.at("score");
      CHECK(all.graded(i, answer).score == (score.is_null() ? 0.0 : score.get<double>()));
      if (sample.contains("parsed")) CHECK(all.graded(i, answer).parsed == sample["parsed"]);
      if (score.is_null()) continue;
      asked.push_back(benchmark.questions[i]);
      said.push_back(answer);
    }
  }
  FileBenchmark const counted(benchmark.spec, asked, Scoring::upstream);
  if (benchmark.golden.contains("aggregate")) {
    CHECK_THAT(counted.aggregate(counted.graded(said)).value,
               vcflash::test::near(benchmark.golden.at("aggregate")));
  }
  for (auto const& group : benchmark.spec.columns.groups) {
    auto const scores = counted.aggregate(counted.graded(said));
    double sum = 0, count = 0;
    for (auto const& line : scores.group("by_" + group).lines) {
      sum += line.value * static_cast<double>(line.questions);
      count += static_cast<double>(line.questions);
    }
    CHECK(count == static_cast<double>(said.size()));
    if (benchmark.golden.contains("aggregate")) {
      CHECK_THAT(sum / count, vcflash::test::near(benchmark.golden.at("aggregate")));
    }
  }
  return all;
}

}  // namespace

TEST_CASE("NExT-QA is asked and graded as lmms-eval does", "[golden]") {
  check_samples("nextqa_mc");
}

TEST_CASE("EgoSchema is asked and graded as lmms-eval does", "[golden]") {
  check_samples("egoschema_subset");
}

TEST_CASE("TempCompass is asked and graded as lmms-eval does", "[golden]") {
  check_samples("tempcompass_mc");
}

TEST_CASE("TVBench is asked and graded as lmms-eval does", "[golden]") {
  check_samples("tvbench");
  auto const golden =
      ordered_json::parse(vcflash::test::golden_text("data/eval_more.json")).at("tvbench");
  std::vector<std::string> files;
  for (std::string const task : golden.at("tasks")) files.push_back(task + ".json");
  CHECK(shipped_spec("tvbench").rows.files == files);
}

TEST_CASE("MotionBench is asked and graded as lmms-eval does", "[golden]") {
  check_samples("motionbench");
}

TEST_CASE("Video-MME-v2 is asked and graded as lmms-eval does, in groups of four", "[golden]") {
  check_samples("videomme_v2");
  GoldenBenchmark const benchmark("videomme_v2");
  FileBenchmark const exam(benchmark.spec, benchmark.questions, Scoring::upstream);
  for (auto const& run : benchmark.golden.at("runs")) {
    std::vector<Answer> answers;
    for (double const score : run.at("scores")) answers.push_back({.score = score});
    auto const scores = exam.aggregate(answers);
    for (auto const& [key, value] : run.at("aggregate").items()) {
      INFO(key);
      auto const found =
          std::ranges::find(scores.more, key, [](auto const& number) { return number.first; });
      REQUIRE(found != scores.more.end());
      CHECK_THAT(found->second, vcflash::test::near(value));
    }
    CHECK_THAT(scores.value, vcflash::test::near(run.at("aggregate").at("overall_score")));
  }
}

TEST_CASE("a limit takes the first questions of a task, and a group of four whole", "[unit]") {
  TemporaryFolder const folder;
  auto tasks = json::array(), groups = json::array();
  for (int i = 0; i < 8; ++i) {
    auto const video = i < 4 ? "v" : "w";
    tasks.push_back({{"v", "v"}, {"q", "q"}, {"a", "x"}, {"t", i < 5 ? "a" : "b"}});
    groups.push_back({{"video_id", video},
                      {"question_id", fmt::format("{}-{}", video, i % 4 + 1)},
                      {"question", "q"},
                      {"options", "A. x\nB. y"},
                      {"answer", "B"},
                      {"group_type", "relevance"},
                      {"level", 1},
                      {"second_head", ""},
                      {"third_head", ""}});
  }
  folder.write("t.json", tasks.dump());
  folder.write("videomme_v2.json", groups.dump());
  auto const toml =
      folder.write("t.toml",
                   "rows.file = 't.json'\n[columns]\nvideo = 'v'\nquestion = 'q'\nanswer = 'a'\n"
                   "task = 't'\n[score]\nrule = 'exact'");
  CHECK(open_exam(toml.string(), {.data = folder.path(), .limit = 4})->size() == 7);
  CHECK(open_exam("videomme_v2", {.data = folder.path(), .limit = 1})->size() == 4);
  CHECK(open_exam("videomme_v2", {.data = folder.path(), .limit = 5})->size() == 8);
}

TEST_CASE("the other rule is there where lmms-eval has one, and its layout is not", "[unit]") {
  TemporaryFolder const folder;
  folder.write("r.json", R"([{"v": "v", "q": "q", "o": ["x", "y"], "a": "B"}])");
  std::string const toml =
      "rows.file = 'r.json'\n[columns]\nvideo = 'v'\nquestion = 'q'\noptions = 'o'\nanswer = 'a'\n"
      "[score]\nlmms_eval = 'videomme_v2'\n";
  ExamOptions const options{.data = folder.path(), .media = "m"};
  auto const exam = open_exam(folder.write("mine.toml", toml).string(), options);
  CHECK(exam->name() == "mine");
  CHECK(exam->graded(0, {.text = "Be it"}).score == 1);
  auto const strict = exam->with_scoring(Scoring::strict);
  REQUIRE(strict);
  CHECK(strict->graded(0, {.text = "Be it"}).score == 0);
  CHECK(strict->graded(0, {.text = "B", .problem = "no video"}).score == 0);
  CHECK_THROWS_WITH(exam->write_lmms(folder.path(), {}, {}), ContainsSubstring("mine"));
  auto const one_rule =
      open_exam(folder.write("one.toml", toml.substr(0, toml.find("[score]"))).string(), options);
  CHECK_FALSE(one_rule->with_scoring(Scoring::strict));
}

TEST_CASE("spans and tasks are scored together as the file says", "[unit]") {
  BenchmarkSpec spec;
  spec.score.rule = AnswerRule::span;
  spec.score.percent = spec.score.mean_of_tasks = true;
  spec.columns.task.names = {"t"};
  FileBenchmark const exam(spec,
                           {{.task = "a", .span = {0, 10}},
                            {.task = "a", .span = {0, 10}},
                            {.task = "b", .span = {0, 10}}},
                           Scoring::strict);
  auto const scores = exam.aggregate(
      exam.graded(std::vector<Said>{{.text = "0 - 10"}, {.text = "0 - 5"}, {.text = "none"}}));
  CHECK(scores.value == 37.5);
  CHECK(scores.group("by_task").line("a").value == 75);
  CHECK_THAT(scores.group("by_overlap").line("IOU 0.5").value, vcflash::test::near(200.0 / 3));
  CHECK_THAT(scores.group("by_overlap").line("IOU 0.7").value, vcflash::test::near(100.0 / 3));
}

TEST_CASE("the benchmark of docs/evaluation.md asks what the page says", "[unit]") {
  auto const page = vcflash::test::read_file(vcflash::test::source_root() / "docs/evaluation.md");
  auto code = [&,
               from = page.find("## A benchmark of your own")](std::string const& fence) mutable {
    from = page.find("```" + fence + "\n", from);
    REQUIRE(from != page.npos);
    from += fence.size() + 4;
    auto const end = page.find("```", from);
    auto const text = page.substr(from, end - from);
    from = end + 3;
    return text;
  };
  TemporaryFolder const folder;
  auto const toml = folder.write("birds.toml", code("toml"));
  folder.write("birds.jsonl", code("json"));
  auto const command = code("");
  CHECK_THAT(command, ContainsSubstring("--benchmark birds.toml"));
  auto const exam = open_exam(toml.string(), {.data = folder.path()});
  REQUIRE(exam->size() == 3);
  CHECK(exam->prompt(0) + "\n" == code(""));
  CHECK(exam->id(1) == "000000-2");
  CHECK(exam->max_new_tokens() == 8);
  std::vector<Said> const said{{.text = "(B)"}, {.text = "left"}, {.text = "A"}};
  auto const scores = exam->aggregate(exam->graded(said));
  CHECK_THAT(scores.value, vcflash::test::near(2.0 / 3));
  CHECK(scores.group("by_task").line("colour").value == 0.5);
  // the table has a line for every key of the example
  for (auto const* key : {"rows.file", "columns.id", "columns.options", "prompt.option",
                          "score.rule", "ask.max_new_tokens"}) {
    CHECK_THAT(page, ContainsSubstring("`" + std::string(key) + "`"));
  }
}
