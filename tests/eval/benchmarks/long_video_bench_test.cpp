#include <vcflash/eval/benchmarks/long_video_bench.hpp>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/eval/golden_rows.hpp"

using namespace vcflash::eval;
using vcflash::test::GoldenRows;

namespace {

/// Checks what upstream printed and returned of graded answers.
void check_printed(Scores const& scores, nlohmann::ordered_json const& expected) {
  CHECK(scores.value == expected.at("value"));
  nlohmann::json groups;
  groups["Overall"] = {{"num", 2 * scores.questions}, {"acc", scores.value}};
  for (auto const* key : {"by_duration", "by_question_category"}) {
    for (auto const& line : scores.group(key).lines) {
      groups[line.name] = {{"num", line.questions}, {"acc", line.value}};
    }
  }
  CHECK(groups == nlohmann::json(expected.at("printed")));
}

}  // namespace

TEST_CASE("LongVideoBench asks and grades as upstream does", "[golden]") {
  for (auto const& file : vcflash::test::golden_evaluations("eval_longvideobench")) {
    INFO(file);
    GoldenRows<LongVideoBench> golden(file);
    LongVideoBench const benchmark;
    auto settings = golden.meta().at("tasks");
    CHECK(settings.at(std::string(LongVideoBench::name)).at("subtitle_max_frames") ==
          LongVideoBench::subtitle_frames);
    vcflash::test::check_tasks(LongVideoBench::tasks(), settings);
    for (std::size_t i = 0; i < golden.rows.size(); ++i) {
      INFO("question " << i);
      auto const& expected = golden.doc(i);
      Row row = golden.rows[i];
      CHECK(benchmark.medium(row).video == vcflash::test::below_media(expected.at("video_path")));
      CHECK(expected.at("media") == nlohmann::ordered_json{{"video_read_type", "decord"}});
      CHECK(benchmark.target(row) == nlohmann::json(expected.at("target")));
      CHECK(subtitle_frame_times(row.doc.at("duration"), 16) ==
            expected.at("frame_timestamps_16").get<std::vector<double>>());
      row.media =
          vcflash::test::golden_file("data/" + expected.at("subtitle_file").get<std::string>())
              .parent_path()
              .parent_path();
      CHECK(benchmark.prompt(row) == expected.at("prompt"));
    }

    std::vector<Row> rows;
    std::vector<Answer> answers;
    std::size_t fallbacks = 0;
    for (auto const& sample : golden.samples()) {
      INFO(sample.dump());
      Row const& row = golden.row_of(sample);
      std::vector<std::string> letters;
      for (std::size_t i = 0; i < long_video_bench::options(row).size(); ++i) {
        letters.emplace_back(1, static_cast<char>('A' + i));
      }
      CHECK(letters == sample.at("choices").get<std::vector<std::string>>());
      CHECK(LongVideoBench::right(row) == sample.at("gt"));
      Answer answer{.text = sample.at("response")};
      answer.parsed = benchmark.parse(row, answer.text);
      answer.score = benchmark.score(row, answer.parsed);
      CHECK(sample.at("random_fallback") == answer.parsed.empty());
      CHECK(sample.at("parsed").is_null() == answer.parsed.empty());
      if (answer.parsed.empty()) {
        CHECK(sample.at("score").is_null());
        ++fallbacks;
      } else {
        CHECK(answer.parsed == sample.at("parsed"));
        CHECK(answer.score == sample.at("score"));
      }
      rows.push_back(row);
      answers.push_back(answer);
    }
    auto const& aggregate = golden.meta().at("aggregate");
    for (auto const* way : {"fallback_first_choice", "fallback_python_random_seed0"}) {
      INFO(way);
      auto settled = answers;
      auto const& expected = aggregate.at(way);
      if (way == std::string("fallback_first_choice")) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
          if (!settled[i].parsed.empty()) continue;
          settled[i].parsed = "A";
          settled[i].score = benchmark.score(rows[i], "A");
        }
      } else {
        benchmark.settle(rows, settled);
      }
      std::vector<std::string> drawn;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (answers[i].parsed.empty()) drawn.push_back(settled[i].parsed);
      }
      CHECK(drawn.size() == fallbacks);
      CHECK(drawn == expected.at("fallback_sequence").get<std::vector<std::string>>());
      check_printed(benchmark.aggregate(rows, settled), expected);
    }
  }
}

TEST_CASE("every subtitle file of LongVideoBench can be laid on frames", "[golden]") {
  for (auto const* set : {"eval_fixtures", "eval_fixtures_synth"}) {
    std::string const folder = std::string("data/") + set + "/longvideobench/subtitles";
    for (auto const& entry :
         std::filesystem::directory_iterator(vcflash::test::golden_folder(folder))) {
      auto const name = entry.path().filename().string();
      INFO(name);
      auto const subtitles =
          nlohmann::ordered_json::parse(read_text(vcflash::test::golden_file(folder + "/" + name)));
      // with a frame each hundredth of a second for three hours, every one that lasts is seen
      std::vector<double> frames;
      for (int i = 0; i < 3 * 3600 * 100; ++i) frames.push_back(i / 100. + 0.005);
      CHECK(subtitles_on_frames(subtitles, frames, -10, 3 * 3600).size() == subtitles.size());
      CHECK(subtitles_on_frames(subtitles, {}, 0, 100).empty());
    }
  }
}

TEST_CASE("graded strictly, what names no option is wrong and not drawn", "[unit]") {
  LongVideoBench benchmark;
  Row const row{.doc = {{"option0", "yes"},
                        {"option1", "no"},
                        {"option2", "N/A"},
                        {"option3", "N/A"},
                        {"option4", "N/A"},
                        {"correct_choice", 1}}};
  std::vector<Answer> answers{Answer{.text = "?"}};
  benchmark.settle({row}, answers);
  CHECK_FALSE(answers[0].parsed.empty());
  benchmark.scoring = Scoring::strict;
  answers = {Answer{.text = "?"}};
  benchmark.settle({row}, answers);
  CHECK(answers[0].parsed.empty());
  CHECK(benchmark.score(row, "") == 0);
}

TEST_CASE("options are read from a list of candidates as from a table's columns", "[unit]") {
  Row const table{.doc = {{"option0", "yes"},
                          {"option1", "no"},
                          {"option2", "N/A"},
                          {"option3", nullptr},
                          {"correct_choice", 1}}};
  Row const list{.doc = {{"candidates", {"yes", "no"}}, {"correct_choice", 1}}};
  LongVideoBench const benchmark;
  for (auto const& row : {table, list}) {
    CHECK(long_video_bench::options(row) == std::vector<std::string>{"yes", "no"});
    CHECK(benchmark.score(row, benchmark.parse(row, "(B)")) == 1);
    CHECK(benchmark.doubt(row).empty());
  }
  CHECK_THROWS_AS(long_video_bench::options({.doc = {{"question", "q"}}}), vcflash::InputError);
  CHECK_FALSE(
      benchmark.doubt({.doc = {{"candidates", {"yes", "no"}}, {"correct_choice", 2}}}).empty());
}
