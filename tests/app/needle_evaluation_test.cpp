#include <vcflash/app/needle_evaluation.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <vcflash/media/encode.hpp>

#include "tests/app/tiny_run.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

/// A haystack of 20 seconds, three pictures, and questions about them.
struct NeedleRun : test::TinyRun {
  NeedleRun() {
    media::Frames frames{80, 48, 48, {}};
    for (int i = 0; i < 80 * 48 * 48 * 3; ++i) {
      frames.rgb.push_back(std::uint8_t(i / (48 * 48 * 3) * 3 + i % 48));
    }
    media::write_video(folder / "data/video_haystack.mkv", frames, {.fps = 4});
    for (int p = 0; p < 3; ++p) {
      auto const png =
          media::encode_png({20, 30, std::vector<std::uint8_t>(20 * 30 * 3, std::uint8_t(80 * p))});
      folder.write(fmt::format("data/{}.png", p), std::string(png.begin(), png.end()));
    }
    folder.write("data/niah-coco-singlehop_20.json", R"([
      {"question": "what colour is it ?", "answer": "red A", "image": "0.png"},
      {"question": "where does it move ?", "answer": "left", "image": "1.png"}])");
    folder.write("data/niah-coco-multihop-100.json", R"([
      {"images": ["0.png", "1.png", "2.png"], "question1": "what colour is it ?", "answer1": "red",
       "question2": "how many are there ?", "answer2": "one"}])");
  }

  test::Outcome find(std::string const& benchmark, std::vector<std::string> const& more = {},
                     std::string const& prefix = "", std::string const& most = "20") const {
    std::vector<std::string> command{"eval-tiny", "--model",
                                     at("base"),  "--benchmark",
                                     benchmark,   "--data",
                                     at("data"),  "--out",
                                     at("eval"),  "--needle-min-frames",
                                     "8",         "--needle-max-frames",
                                     most,        "--needle-frame-interval",
                                     "6",         "--needle-depth-interval",
                                     "0.5"};
    command.insert(command.end(), more.begin(), more.end());
    return test::run_program(command, prefix);
  }

  std::string text(std::string const& file) const { return test::read_file(at("eval/" + file)); }
};

}  // namespace

TEST_CASE("needles are looked for, and what upstream writes is written", "[e2e]") {
  NeedleRun const run;
  auto const outcome = run.find("niah_single");
  INFO(outcome.output);
  REQUIRE(outcome.exit_code == 0);
  auto const accuracies = json::parse(run.text("all_accuracies.json"));
  REQUIRE(accuracies.size() == 3 * 3);  // 8, 14, 20 frames at depths 0, 0.5, 1
  CHECK(accuracies[4]["Num. Frame"] == 14);
  CHECK(accuracies[4]["Frame Depth"] == 50.0);
  CHECK_THAT(run.text("avg_accuracy.txt"), ContainsSubstring("Average Accuracy: "));
  CHECK(run.text("heatmap.png").starts_with("\x89PNG"));
  CHECK(run.text("heatmap.svg").starts_with("<svg"));
  auto const answers = run.text("answers.jsonl");
  CHECK(std::ranges::count(answers, '\n') == 18);

  // of two processes each asks its part, and the same comes out
  test::Outcome second{};
  std::jthread other([&] { second = run.find("niah_single", {}, "RANK=1 WORLD_SIZE=2"); });
  auto const first = run.find("niah_single", {}, "RANK=0 WORLD_SIZE=2");
  other.join();
  INFO(first.output << second.output);
  CHECK(first.exit_code + second.exit_code == 0);
  CHECK(run.text("answers.jsonl") == answers);
}

TEST_CASE("of many needles caption and detail are asked", "[e2e]") {
  NeedleRun const run;
  auto const outcome = run.find("niah_multi");
  INFO(outcome.output);
  REQUIRE(outcome.exit_code == 0);
  auto const accuracies = json::parse(run.text("all_accuracies.json"));
  REQUIRE(accuracies.size() == 3);
  CHECK(accuracies[0].contains("Caption Score"));
  CHECK(accuracies[0]["Total question pair"] == 1);
}

TEST_CASE("a search that was killed asks only what is left and writes the same files", "[e2e]") {
  NeedleRun const run;
  REQUIRE(run.find("niah_single").exit_code == 0);
  auto const results = run.text("results.json"), answers = run.text("answers.jsonl");
  std::filesystem::remove_all(run.at("eval"));
  int kills = 0;
  std::mt19937 random(Catch::getSeed());
  std::uniform_real_distribution<> later(0.05, 0.4);
  for (double seconds = 0.05;; seconds += later(random)) {  // at first before it has begun
    auto const outcome = run.find("niah_single", {}, fmt::format("timeout -s KILL {}", seconds));
    if (outcome.exit_code == 0) break;
    REQUIRE(seconds < 60);
    CHECK(outcome.exit_code == 137);
    ++kills;
  }
  CHECK(kills > 0);
  CHECK(run.text("results.json") == results);
  CHECK(run.text("answers.jsonl") == answers);
}

TEST_CASE("a search's memory is told before it begins, and nothing is written", "[e2e]") {
  NeedleRun const run;
  auto const outcome = run.find("niah_single,niah_multi", {"--plan"});
  INFO(outcome.output);
  REQUIRE(outcome.exit_code == 0);
  // 20 frames of 8 visual tokens; two needles of 32, then three.
  CHECK_THAT(outcome.output,
             ContainsSubstring("niah_single, float32: a haystack of 20 frames, 224 visual tokens"));
  CHECK_THAT(outcome.output,
             ContainsSubstring("niah_multi, float32: a haystack of 20 frames, 256"));
  CHECK_THAT(outcome.output, ContainsSubstring("keys and values"));
  CHECK_FALSE(std::filesystem::exists(run.at("eval")));
  auto const other = run.find("shapes", {"--plan"});
  CHECK(other.exit_code == 2);
  CHECK_THAT(other.output, ContainsSubstring("niah_single and niah_multi, not of shapes"));
}

TEST_CASE("a plan of memory names its parts in GiB", "[unit]") {
  eval::needle::MemoryPlan plan{.frames = 10000, .input_tokens = 160100};
  plan.weights = std::int64_t{3} << 30;
  plan.cache = std::int64_t{1} << 29;
  auto const text = app::detail::to_text(plan, "niah_single", "bfloat16");
  CHECK_THAT(text, ContainsSubstring("10000 frames") && ContainsSubstring("160100 tokens"));
  CHECK_THAT(text, ContainsSubstring("3.000 GiB\n") && ContainsSubstring("0.500 GiB\n") &&
                       ContainsSubstring("3.500 GiB\n"));
}

TEST_CASE("a haystack that is too long for the model, or for the video, is refused by name",
          "[e2e]") {
  NeedleRun const run;
  auto const long_prompt = run.find("niah_single", {}, "", "200");
  CHECK(long_prompt.exit_code == 2);
  CHECK_THAT(long_prompt.output, ContainsSubstring("frames is too long") &&
                                     ContainsSubstring("takes 1024 at most") &&
                                     ContainsSubstring("--rope-scaling yarn:4"));
  auto const stretched = run.find("niah_single", {"--rope-scaling", "yarn:4", "--plan"}, "", "200");
  CHECK_THAT(stretched.output, !ContainsSubstring("too long"));
  auto const beyond = run.find("niah_single", {"--beyond-length", "--plan"}, "", "200");
  CHECK_THAT(beyond.output, ContainsSubstring("says nothing of the model"));
  auto const short_video = run.find("niah_single", {}, "", "26");
  CHECK(short_video.exit_code == 2);
  CHECK_THAT(
      short_video.output,
      ContainsSubstring("video_haystack.mkv: a haystack of 26 frames is made of 26 seconds"));
  CHECK(run.find("niah_single", {"--haystack", run.at("nothing.mp4")}).exit_code == 2);
}
