#include <vcflash/eval/benchmarks/video_mme.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/eval/golden_rows.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using vcflash::test::GoldenRows;

namespace {

template <class Names>
void check_counts(ScoreGroup const& found, nlohmann::ordered_json const& expected,
                  Names const& names) {
  CHECK(found.lines.size() == names.size());
  CHECK(expected.size() == names.size());
  for (auto const& [name, counts] : expected.items()) {
    auto const& line = found.line(name);
    CHECK(line.questions == counts.at("answered"));
    CHECK_THAT(line.value * static_cast<double>(line.questions) / 100,
               vcflash::test::near(counts.at("correct")));
  }
}

}  // namespace

TEST_CASE("Video-MME asks and grades as upstream does", "[golden]") {
  for (auto const& file : vcflash::test::golden_evaluations("eval_videomme")) {
    INFO(file);
    GoldenRows<VideoMme> golden(file);
    VideoMme const benchmark;
    auto tasks = VideoMme::tasks();
    tasks.push_back(VideoMmeSubtitles::tasks().front());
    vcflash::test::check_tasks(tasks, golden.meta().at("tasks"));
    vcflash::test::check_questions(benchmark, golden);
    for (std::size_t i = 0; i < golden.rows.size(); ++i) {
      auto const& expected = golden.doc(i);
      Row row = golden.rows[i];
      row.media = "media without subtitles";
      if (!expected.at("subtitle_file").is_null()) {
        CHECK(expected.at("subtitle_kind").is_string());
        row.media =
            vcflash::test::golden_file("data/" + expected["subtitle_file"].get<std::string>())
                .parent_path()
                .parent_path();
      } else {
        CHECK(expected.at("subtitle_kind").is_null());
      }
      INFO("question " << i);
      CHECK(VideoMmeSubtitles{}.prompt(row) == expected.at("prompt_w_subtitle"));
    }
    auto const& keyless = golden.meta().at("prompt_without_post_prompt_key");
    CHECK(benchmark.prompt({.doc = keyless.at("doc")}, VideoMme::default_post_prompt) ==
          keyless.at("prompt"));

    std::vector<Row> rows;
    std::vector<Answer> answers;
    for (auto const& sample : golden.samples()) {
      INFO(sample.dump());
      rows.push_back(golden.row_of(sample));
      Answer answer{.text = sample.at("response")};
      answer.parsed = benchmark.parse(rows.back(), answer.text);
      answer.score = benchmark.score(rows.back(), answer.parsed);
      CHECK(answer.parsed == sample.at("parsed"));
      CHECK(answer.score == sample.at("score"));
      answers.push_back(answer);
    }
    auto const scores = benchmark.aggregate(rows, answers);
    auto const& meta = golden.meta();
    CHECK_THAT(scores.value, vcflash::test::near(meta.at("aggregate")));
    CHECK(benchmark.aggregate({}, {}).value == meta.at("no_samples"));
    check_counts(scores.group("by_duration"), meta.at("by_duration"), video_mme::durations);
    check_counts(scores.group("by_category"), meta.at("by_category"), video_mme::domains);
    check_counts(scores.group("by_sub_category"), meta.at("by_sub_category"),
                 video_mme::sub_categories);
    check_counts(scores.group("by_task"), meta.at("by_task"), video_mme::task_types);
    CHECK(meta.at("printed_task_categories").size() == video_mme::task_types.size());
    for (auto const& [kind, printed] : meta.at("printed_task_categories").items()) {
      CHECK(fmt::format("{:.1f}", scores.group("by_task").line(kind).value) == printed);
    }
  }
}

TEST_CASE("every subtitle file of Video-MME gives one line a white text", "[golden]") {
  for (auto const* set : {"eval_fixtures", "eval_fixtures_synth"}) {
    std::string const folder = std::string("data/") + set + "/videomme/subtitle";
    for (auto const& entry :
         std::filesystem::directory_iterator(vcflash::test::golden_folder(folder))) {
      auto const name = entry.path().filename().string();
      INFO(name);
      auto const text = read_text(vcflash::test::golden_file(folder + "/" + name));
      CHECK(text.find('\r') == std::string::npos);
      std::size_t expected = 0;
      for (std::size_t at = 0; at < text.size();
           at = std::min(text.find('\n', at), text.size()) + 1) {
        auto const line = text.substr(at, text.find('\n', at) - at);
        auto const tag = line.find("<font color=\"white\" size=\".72c\">");
        expected += tag != std::string::npos && line.find("</font>", tag) != std::string::npos;
      }
      CHECK(white_lines(text).size() == expected);
    }
  }
}

TEST_CASE("a video of Video-MME is found under any of three endings", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  folder.write("videos/a.MP4", "");
  folder.write("videos/b.mkv", "");
  auto const video = [&](char const* id) {
    return VideoMme{}.medium({.doc = {{"videoID", id}}, .media = folder.path()}).video.filename();
  };
  CHECK(video("a") == "a.MP4");
  CHECK(video("b") == "b.mkv");
  CHECK(video("c") == "c.mp4");
}

TEST_CASE("graded strictly, a capital inside a word is no answer", "[unit]") {
  VideoMme benchmark;
  Row const row{.doc = {{"options", {"A. Two.", "B. Three."}}, {"answer", "B"}}};
  CHECK(benchmark.parse(row, "Because there are two") == "B");
  benchmark.scoring = Scoring::strict;
  CHECK(benchmark.parse(row, "Because nobody came") == "");
  CHECK(benchmark.parse(row, "The best answer is: B") == "B");
}

TEST_CASE("videos without subtitles in upstream's font are counted", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  folder.write("subtitle/a.srt", "1\n00:00:00,000 --> 00:00:02,000\nplain text\n");
  folder.write("subtitle/b.srt", R"(<font color="white" size=".72c">white text</font>)");
  std::vector<Row> rows;
  for (auto const* video : {"a", "b", "b", "c"}) {
    rows.push_back({.doc = {{"videoID", video}, {"options", {"A. a"}}, {"answer", "A"}},
                    .media = folder.path()});
  }
  rows.front().data = folder.path();
  folder.write("videomme.json", "[]");
  auto const notes = VideoMmeSubtitles{}.notes(rows);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("subtitles for 1 of 3 videos") != std::string::npos);
  CHECK(VideoMme{}.notes(rows).empty());
  rows[1].data = folder.path();
  CHECK(VideoMmeSubtitles{}.notes({rows[1]}).empty());
}
