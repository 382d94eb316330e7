#include <vcflash/app/report/page.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <regex>
#include <string>

#include "tests/support/folder.hpp"

using namespace vcflash;
using nlohmann::json;

namespace {

/// A demo's folder with two short clips, four trainings and four answers.
struct Demo {
  Demo() {
    for (int i = 1; i <= 4; ++i) {
      auto const stage = "stage" + std::to_string(i);
      json const training{{"stage", "Stage<" + std::to_string(i) + ">"},
                          {"steps", 10 * i},
                          {"seconds", 30.0 * i},
                          {"loss_first", 5.0},
                          {"loss_last", 0.5},
                          {"parameters", 1161344},
                          {"trained_parameters", 33024},
                          {"resolution", 32},
                          {"clip_frames", 4},
                          {"clip_patches", 64},
                          {"clip_tokens", 32},
                          {"peak_memory_mib", 900},
                          {"vcflash", "0.1.0"},
                          {"parts", json::array({{{"part", "connector"},
                                                  {"component", "ToMe8"},
                                                  {"parameters", 33024},
                                                  {"trained", true}}})}};
      folder.write(stage + "/training.json", training.dump());
      folder.write(stage + "/metrics.jsonl",
                   "{\"step\":1,\"loss\":5.0,\"lr\":0}\n{\"step\":2,\"loss\":null,\"lr\":0}\n"
                   "{\"step\":3,\"loss\":0.5,\"lr\":0}\n");
    }
    std::string answers;
    for (int i = 0; i < 4; ++i) {
      auto const clip = folder / ("clip" + std::to_string(i % 2) + ".mp4");
      if (i < 2) {
        media::Frames frames{8, 64, 64, std::vector<std::uint8_t>(8 * 64 * 64 * 3, 90)};
        media::write_video(clip, frames);
      }
      json const answer{{"id", std::to_string(i)},
                        {"question", "what <colour> is it ? A red B blue C green D white"},
                        {"kind", "colour"},
                        {"showing", i == 3 ? "other" : "own"},
                        {"options", {"red", "blue", "green", "white"}},
                        {"right", "B"},
                        {"video", clip.string()},
                        {"answer", i == 0 ? " red A" : " blue B"},
                        {"parsed", i == 0 ? "A" : "B"},
                        {"score", i == 0 ? 0.0 : 1.0}};
      answers += answer.dump() + '\n';
    }
    folder.write("eval/answers.jsonl", answers);
    json const scores{{"accuracy", {{"all", 0.75}, {"colour", 0.75}}},
                      {"control", {{"all", 0.25}, {"colour", 0.25}}},
                      {"reversed", {{"direction", 0.9}}},
                      {"questions", {{"all", 4}, {"colour", 4}}},
                      {"chance", 0.25}};
    folder.write("eval/results.json", json{{"scores", scores}}.dump());
    folder.write("phases.tsv", "make clips\t41.0\nstage 1\t9.5\n");
  }
  test::TemporaryFolder folder;
};

}  // namespace

TEST_CASE("the demo's results say what was learned, how well and for how long", "[unit]") {
  Demo const demo;
  auto results = app::gather_demo(demo.folder.path());
  results.seed = 3;
  results.seconds = 50;
  results.machine = "2 cores";
  auto const written = app::to_json(results);
  json const expected = json::parse(R"({"seed": 3, "accuracy": {"all": 0.75, "colour": 0.75},
    "control": {"all": 0.25, "colour": 0.25}, "reversed_direction": 0.9, "samples": 4,
    "stages": [
      {"name": "stage1", "steps": 10, "seconds": 30.0, "loss_first": 5.0, "loss_last": 0.5,
       "trained_parameters": 33024},
      {"name": "stage2", "steps": 20, "seconds": 60.0, "loss_first": 5.0, "loss_last": 0.5,
       "trained_parameters": 33024},
      {"name": "stage3", "steps": 30, "seconds": 90.0, "loss_first": 5.0, "loss_last": 0.5,
       "trained_parameters": 33024},
      {"name": "stage4", "steps": 40, "seconds": 120.0, "loss_first": 5.0, "loss_last": 0.5,
       "trained_parameters": 33024}],
    "seconds": 50.0, "machine": "2 cores"})");
  CHECK(json::parse(written.dump()) == expected);
  auto const lines = app::last_lines(results, demo.folder.path());
  CHECK(std::ranges::count(lines, '\n') == 4);
  CHECK_THAT(lines, Catch::Matchers::ContainsSubstring("75.0 % of 4 held-out questions"));
}

TEST_CASE("the report is one page that asks for nothing from outside", "[unit]") {
  Demo const demo;
  auto const page = app::report_page(app::gather_demo(demo.folder.path()));
  CHECK(page.starts_with("<!doctype html>"));
  std::regex const outside("(src|href)=\"(?!data:)|url\\(|@import|<script|<link");
  CHECK_FALSE(std::regex_search(page, outside));
}

TEST_CASE("the report shows clips with verdicts, losses, parts and time", "[unit]") {
  using Catch::Matchers::ContainsSubstring;
  Demo const demo;
  auto const page = app::report_page(app::gather_demo(demo.folder.path()));
  CHECK_THAT(page, ContainsSubstring("✗ wrong") && ContainsSubstring("✓ right"));
  CHECK_THAT(page, ContainsSubstring("what &lt;colour&gt; is it ?"));
  CHECK_THAT(page, ContainsSubstring("is-said\">A red") && ContainsSubstring("is-right\">B blue"));
  CHECK_THAT(page, ContainsSubstring("data:image/jpeg;base64,/9j/"));
  CHECK_THAT(page, ContainsSubstring("Stage 2: Stage&lt;2&gt;"));
  CHECK_THAT(page, ContainsSubstring("ToMe8") && ContainsSubstring("make clips"));
  CHECK_THAT(page, !ContainsSubstring("quick"));
  auto quick = app::gather_demo(demo.folder.path());
  quick.quick = true;
  CHECK_THAT(app::report_page(quick), ContainsSubstring("claims nothing"));
}

TEST_CASE("a demo that did not get so far is refused by the missing file's name", "[unit]") {
  Demo const demo;
  std::filesystem::remove(demo.folder / "stage3/training.json");
  CHECK_THROWS_WITH(app::gather_demo(demo.folder.path()),
                    Catch::Matchers::ContainsSubstring("stage3/training.json"));
}

TEST_CASE("bytes in base64 are padded to groups of four", "[unit]") {
  auto const of = [](std::string const& text) {
    return app::base64({reinterpret_cast<std::uint8_t const*>(text.data()), text.size()});
  };
  CHECK(of("") == "");
  CHECK(of("f") == "Zg==");
  CHECK(of("fo") == "Zm8=");
  CHECK(of("foobar") == "Zm9vYmFy");
}
