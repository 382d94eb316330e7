#include <vcflash/app/inspect_data_main.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "tests/app/inspect/small_mixture.hpp"

using namespace vcflash;

namespace {

int inspect(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "inspect-data");
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  return app::inspect_data_main(static_cast<int>(pointers.size()), pointers.data());
}

nlohmann::json report_of(test::SmallMixture const& small) {
  return nlohmann::json::parse(test::read_file(small.folder / "out/report.json"));
}

}  // namespace

TEST_CASE("inspect-data ends with 0 if all rows can be used and 2 if some would be lost",
          "[unit]") {
  test::SmallMixture const small;
  auto const out = (small.folder / "out").string(), yaml = small.yaml.string();
  auto const good = small.folder.write("good.yaml", "datasets: [{json_path: good.jsonl}]");
  small.folder.write("good.jsonl", test::SmallMixture::row("video", "good.mp4", "<image>\nwhat"));
  CHECK(inspect({"--help"}) == 0);
  CHECK(inspect({}) == 2);
  CHECK(inspect({"--data", (small.folder / "none.yaml").string()}) == 2);
  CHECK(inspect({"--data", good.string()}) == 0);
  CHECK(inspect({"--data", good.string(), "--check-media"}) == 2);  // where would its journal be?
  CHECK(inspect({"--data", good.string(), "--max-frames", "0"}) == 2);
  CHECK(inspect({"--data", good.string(), "--check-media", "--out", out}) == 0);
  CHECK(report_of(small).at("media_opened") == true);
  CHECK(inspect({"--data", yaml, "--index-only", "--out", out}) == 2);
  CHECK(report_of(small).at("all").at("lost") == 1);
  CHECK(inspect({"--data", yaml, "--out", out}) == 2);
  CHECK(report_of(small).at("all").at("lost") == 2);
  CHECK(inspect({"--data", yaml, "--check-media", "--tokenizer",
                 (small.folder / "tokenizer").string(), "--out", out}) == 2);
  CHECK(report_of(small).at("all").at("lost") == 4);
  CHECK_THAT(test::read_file(small.folder / "out/report.html"),
             Catch::Matchers::ContainsSubstring("Rows of videos.jsonl"));
}

TEST_CASE("a run's settings decide lengths and steps, and flags come over them", "[unit]") {
  test::SmallMixture const small;
  auto const out = (small.folder / "out").string();
  auto const config = small.folder.write(
      "config.toml",
      "[train]\nglobal_batch = 2\nepochs = 3\n[data]\nmax_frames = 16\nsampling = \"middle\"\n"
      "image_aspect_ratio = \"pad\"\ntime_message = false\n");
  CHECK(inspect({"--data", small.yaml.string(), "--recipe", config.string(), "--min-frames", "2",
                 "--out", out}) == 2);
  auto const settings = report_of(small).at("settings");
  CHECK(settings.at("max_frames") == 16);
  CHECK(settings.at("min_frames") == 2);
  CHECK(settings.at("sampling") == "middle");
  CHECK(settings.at("image_aspect_ratio") == "pad");
  CHECK(settings.at("time_message") == false);
  CHECK(settings.at("chat") == "qwen_2");
  CHECK(report_of(small).at("steps") == 9);
  CHECK(inspect({"--data", small.yaml.string(), "--chat", "plain", "--image-layout", "square",
                 "--image-size", "448", "--tokens-per-frame", "4", "--tokens-per-image", "49",
                 "--out", out}) == 2);
  auto const flagged = report_of(small).at("settings");
  CHECK(flagged.at("chat") == "plain");
  CHECK(flagged.at("image_aspect_ratio") == "square");
  CHECK(flagged.at("image_size") == 448);
  CHECK(flagged.at("tokens_per_frame") == 4);
  CHECK(flagged.at("tokens_per_image") == 49);
  CHECK(inspect({"--data", small.yaml.string(), "--chat", "other"}) == 2);
  for (auto const& [typed, shown] :
       {std::pair{"qwen_1_5", "qwen_2"}, std::pair{"llama_3", "llama_3"}}) {
    CHECK(inspect({"--data", small.yaml.string(), "--chat", typed, "--out", out}) == 2);
    CHECK(report_of(small).at("settings").at("chat") == shown);
  }
  for (std::string const wrong : {"[data]\nmax_frames = \"x\"", "[data]\nsampling = \"rand\"",
                                  "[data]\nimage_aspect_ratio = \"any\"", "["})
    CHECK(inspect({"--data", small.yaml.string(), "--recipe",
                   small.folder.write("wrong.toml", wrong).string()}) == 2);
}

TEST_CASE("too few rows for the batch of a run are refused before it, with what mends them",
          "[unit]") {
  test::SmallMixture const small;
  small.folder.write("good.jsonl", test::SmallMixture::row("video", "good.mp4", "<image>\nwhat"));
  auto const yaml = small.folder.write("good.yaml", "datasets: [{json_path: good.jsonl}]").string();
  auto const run = [&](std::string const& settings) {
    return inspect({"--data", yaml, "--index-only", "--recipe",
                    small.folder.write("config.toml", settings).string()});
  };
  CHECK(run("[train]\nglobal_batch = 4\nmicro_batch = 4\n") == 2);
  CHECK(run("[train]\nglobal_batch = 4\nmicro_batch = 1\n") == 2);
  CHECK(run("[train]\nglobal_batch = 1\nmicro_batch = 1\n") == 0);
  CHECK(inspect({"--data", yaml, "--index-only", "--global-batch", "4"}) == 2);
  CHECK(inspect({"--data", yaml, "--index-only"}) == 0);  // nothing is known of a batch
}

TEST_CASE("tokens are counted as the model that a run trained makes them", "[unit]") {
  test::SmallMixture const small;
  auto const out = (small.folder / "out").string();
  auto const config = small.folder.write("run/config.toml", "[train]\nglobal_batch = 1\n");
  small.folder.write("run/training.json", R"({"clip_frames": 4, "clip_tokens": 32,
                                              "image_tokens": 9, "resolution": 48})");
  inspect({"--data", small.yaml.string(), "--recipe", config.string(), "--out", out});
  auto settings = report_of(small).at("settings");
  CHECK(settings.at("tokens_per_frame") == 8);
  CHECK(settings.at("tokens_per_image") == 9);
  CHECK(settings.at("image_size") == 48);
  inspect({"--data", small.yaml.string(), "--recipe", config.string(), "--tokens-per-frame", "4",
           "--out", out});
  CHECK(report_of(small).at("settings").at("tokens_per_frame") == 4);
}

TEST_CASE("a run's leave to read outside its folders is the inspection's, too", "[unit]") {
  test::SmallMixture const small;
  small.folder.write("set/rows.jsonl",
                     test::SmallMixture::row("video", "../good.mp4", "<image>\nwhat"));
  auto const yaml = small.folder.write("set/mix.yaml", "datasets: [{json_path: rows.jsonl}]");
  auto const config = small.folder.write("config.toml", "[data]\nallow_outside_root = true\n");
  CHECK(inspect({"--data", yaml.string(), "--index-only"}) == 2);
  CHECK(inspect({"--data", yaml.string(), "--index-only", "--recipe", config.string(),
                 "--global-batch", "1"}) == 0);
}
