#include <fmt/format.h>
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include <vcflash/media/encode.hpp>

#include "tests/app/tiny_run.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using test::run_program;

namespace {

/// What a chat says to what is typed into it by no person.
/// \param max_tokens empty: as the folder says
test::Outcome typed(test::TinyRun const& run, std::string const& lines,
                    std::vector<std::string> const& more = {},
                    std::string const& max_tokens = "3") {
  std::vector<std::string> command{"chat-tiny",    "--model", run.at("base"), "--min-frames", "8",
                                   "--max-frames", "8"};
  if (!max_tokens.empty()) command.insert(command.end(), {"--max-tokens", max_tokens});
  command.insert(command.end(), more.begin(), more.end());
  return run_program(command, "cat '" + run.folder.write("typed", lines).string() + "' |");
}

/// \return the path of a grey picture
std::string write_picture(test::TinyRun const& run, std::string const& name, int width,
                          int height) {
  auto const bytes = static_cast<std::size_t>(width * height * 3);
  auto const png = media::encode_png({height, width, std::vector<std::uint8_t>(bytes, 120)});
  return run.folder.write(name, {reinterpret_cast<char const*>(png.data()), png.size()});
}

/// The JSON objects among the lines of an output.
std::vector<nlohmann::json> answers_of(std::string const& output) {
  std::vector<nlohmann::json> answers;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('{')) answers.push_back(nlohmann::json::parse(line));
  }
  return answers;
}

}  // namespace

TEST_CASE("a chat says which frames it looked at, and answers each question", "[e2e]") {
  test::TinyRun const run;
  auto const outcome = run_program({"chat-tiny", "--model", run.at("base"), "--video",
                                    run.at("data/shapes/clips/000001.mp4"), "--min-frames", "4",
                                    "--max-frames", "8", "--max-tokens", "5", "--ask",
                                    "what colour is it ?", "--ask", "where does it move ?"});
  CAPTURE(outcome.output);
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.output, ContainsSubstring("looking at 8 frames, at 0"));
  CHECK(std::ranges::count(outcome.output, '\n') >= 3);
}

TEST_CASE("questions are read from the input until it ends", "[e2e]") {
  test::TinyRun const run;
  auto const outcome = typed(run, "how are you ?\n\n \r\nand now ?\r\n", {"--json"});
  CAPTURE(outcome.output);
  CHECK(outcome.exit_code == 0);
  auto const answers = answers_of(outcome.output);
  REQUIRE(answers.size() == 2);  // an empty line ends nothing
  CHECK(answers[1].at("question") == "and now ?");
}

TEST_CASE("one answer as JSON says what was asked and which frames were looked at", "[e2e]") {
  test::TinyRun const run;
  auto const clip = run.at("data/shapes/clips/000001.mp4");
  auto const outcome = run_program({"chat-tiny", "--model", run.at("base"), "--video", clip,
                                    "--min-frames", "8", "--max-frames", "8", "--max-tokens", "5",
                                    "--ask", "what colour is it ?", "--json"});
  CAPTURE(outcome.output);
  REQUIRE(outcome.exit_code == 0);
  auto const json = answers_of(outcome.output).at(0);
  CHECK(json.at("question") == "what colour is it ?");
  CHECK(json.at("video") == clip);
  CHECK(json.at("frames") == 8);
  CHECK(json.at("seconds").size() == 8);
  CHECK(json.contains("answer"));
  CHECK(json.at("finish_reason") == "length");
  CHECK(json.at("answer_tokens") == 5);
  CHECK(json.at("prompt_tokens") > 8 * 8);
}

TEST_CASE("drawn answers are the same again by their seed, and others by another", "[e2e]") {
  test::TinyRun const run;
  auto const answer = [&](std::vector<std::string> const& more) {
    std::vector<std::string> command{"chat-tiny", "--model", run.at("base"), "--max-tokens",
                                     "12",        "--ask",   "what is it ?"};
    command.insert(command.end(), more.begin(), more.end());
    return run_program(command).output;
  };
  CHECK(answer({"--temperature", "1"}) == answer({"--temperature", "1", "--seed", "0"}));
  CHECK(answer({"--temperature", "1"}) != answer({"--temperature", "1", "--seed", "1"}));
  auto const greedy = answer({});
  CHECK(answer({"--temperature", "1", "--top-k", "1"}) == greedy);
  run.folder.write("base/generation_config.json", R"({"do_sample": true, "temperature": 1.0})");
  CHECK(answer({}) == answer({"--temperature", "1", "--top-k", "50"}));
  CHECK(answer({"--greedy"}) == greedy);
}

TEST_CASE("a conversation takes commands, and a wrong one does not end it", "[e2e]") {
  test::TinyRun const run;
  auto const clips = run.at("data/shapes/clips/");
  auto const saved = run.at("said.jsonl");
  auto const outcome = typed(run, "/video \"" + clips +
                                      "000001.mp4\" \nwhat colour is it ?\n/frames 4\nwhere ?\r\n"
                                      "/nonsense\n\n/video none.mp4\n/reset\nwhat shape is it ?\n"
                                      "/clip 1 5\nand now ?\n/help\n/save " +
                                      saved + "\n/quit\nnever asked\n");
  CAPTURE(outcome.output);
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.output, ContainsSubstring("looking at 8 frames") &&
                                 ContainsSubstring("looking at 4 frames") &&
                                 ContainsSubstring("/nonsense") && ContainsSubstring("none.mp4") &&
                                 ContainsSubstring("4.0 s; looking at 4 frames, at 1.") &&
                                 ContainsSubstring("/save FILE"));
  auto const row = nlohmann::json::parse(test::read_file(saved));
  CHECK(row.at("video") == clips + "000001.mp4");
  CHECK(row.at("start") == 1);
  CHECK(row.at("end") == 5);
  REQUIRE(row.at("conversations").size() == 2);
  CHECK(row["conversations"][0]["from"] == "human");
  CHECK(row["conversations"][0]["value"] == "<image>\nand now ?");
}

TEST_CASE("a command that fails leaves the conversation as it was", "[e2e]") {
  test::TinyRun const run;
  auto const clip = run.at("data/shapes/clips/000001.mp4");
  auto const begin = "/video " + clip + "\nwhat colour is it ?\n";
  auto const undisturbed = typed(run, begin + "where ?\n/reset\nwhat ?\n", {"--json"});
  auto const disturbed = typed(run,
                               begin +
                                   "/video none.mp4\n/image none.png\n/frames 6\n/frames 8x\n"
                                   "/frames 99999999999\n/frames 99999999999999999999\n/clip 3 1\n"
                                   "/clip 900 990\nwhere ?\n/reset\nwhat ?\n",
                               {"--json"});
  CAPTURE(disturbed.output);
  CHECK(answers_of(undisturbed.output).size() == 3);
  CHECK(answers_of(disturbed.output) == answers_of(undisturbed.output));
}

TEST_CASE("<image> that is typed is text, and an error in an answer does not end a conversation",
          "[e2e]") {
  test::TinyRun const run;
  std::string question = "what";
  for (int i = 0; i < 1000; ++i) question += " what";
  auto const outcome =
      typed(run, "what does <image> mean ?\n" + question + "\nand now ?\n", {"--json"});
  CAPTURE(outcome.output);
  auto const answers = answers_of(outcome.output);
  REQUIRE(answers.size() == 2);
  CHECK(answers[1].at("question") == "and now ?");
  CHECK_THAT(outcome.output, ContainsSubstring("takes 1024 at most"));
  CHECK(outcome.exit_code == 1);  // no person was told
}

TEST_CASE("a folder of frames is a video", "[e2e]") {
  test::TinyRun const run;
  for (int i = 0; i < 8; ++i) write_picture(run, fmt::format("frames/frame_{}.png", i), 64, 64);
  auto const outcome = typed(run, "/video " + run.at("frames") + "/\nwhat ?\n", {"--json"});
  CAPTURE(outcome.output);
  CHECK(outcome.exit_code == 0);
  CHECK(answers_of(outcome.output).at(0).at("frames") == 8);
}

TEST_CASE("an image is shown as the model was trained, or as is wanted", "[e2e]") {
  test::TinyRun const run;
  auto const image = write_picture(run, "photo.png", 192, 96);
  auto const answer = [&](std::vector<std::string> const& more) {
    std::vector<std::string> command{
        "chat-tiny",    "--model", run.at("base"), "--image", image,
        "--max-tokens", "3",       "--ask",        "what ?",  "--json"};
    command.insert(command.end(), more.begin(), more.end());
    auto const outcome = run_program(command);
    INFO(outcome.output);
    REQUIRE(outcome.exit_code == 0);
    return answers_of(outcome.output).at(0);
  };
  auto const square = answer({});
  CHECK(square.at("image_layout") == "square");
  auto config = nlohmann::json::parse(test::read_file(run.folder / "base/config.json"));
  config["image_aspect_ratio"] = "anyres_nopad";
  run.folder.write("base/config.json", config.dump());
  auto const tiles = answer({});
  CHECK(tiles.at("image_layout") == "anyres_nopad");
  CHECK(tiles.at("tile_columns") == 4);
  CHECK(tiles.at("tile_rows") == 2);
  // The whole and eight tiles, each as many tokens as the square alone.
  auto const tokens_of = [](nlohmann::json const& json) {
    return json.at("prompt_tokens").get<std::int64_t>();
  };
  CHECK(tokens_of(tiles) == tokens_of(square) + 8 * 16);
  CHECK(answer({"--image-layout", "square"}) == square);
  config["image_aspect_ratio"] = "anyres_max_9";
  run.folder.write("base/config.json", config.dump());
  auto const unknown = run_program({"chat-tiny", "--model", run.at("base"), "--image", image});
  CHECK(unknown.exit_code == 2);
  CHECK_THAT(unknown.output,
             ContainsSubstring("anyres_max_9") && ContainsSubstring("--image-layout"));
}

TEST_CASE("a folder says how long its answers are, and is told what is not applied", "[e2e]") {
  test::TinyRun const run;
  run.folder.write("base/generation_config.json",
                   R"({"max_new_tokens": 4, "no_repeat_ngram_size": 3})");
  auto const outcome = typed(run, "what colour is it ?\n", {"--json"}, "");
  CAPTURE(outcome.output);
  auto const whole = answers_of(outcome.output).at(0);
  CHECK(whole.at("finish_reason") == "length");
  CHECK(whole.at("answer_tokens") == 4);
  CHECK_THAT(outcome.output, ContainsSubstring("no_repeat_ngram_size is not applied") &&
                                 ContainsSubstring("cut after 4 tokens"));
  auto const text = whole.at("answer").get<std::string>();
  REQUIRE(text.size() > 2);
  auto const stopped = answers_of(
      typed(run, "what colour is it ?\n", {"--json", "--stop", text.substr(1)}, "").output);
  CHECK(stopped.at(0).at("answer") == text.substr(0, 1));
  CHECK(stopped.at(0).at("finish_reason") == "stop");
}

TEST_CASE("a chat about what is no video or image ends with 2 and its name", "[e2e]") {
  test::TinyRun const run;
  auto const nothing = run.folder.write("nothing.mp4", "");
  for (auto const* flag : {"--video", "--image"}) {
    auto const outcome = run_program(
        {"chat-tiny", "--model", run.at("base"), flag, nothing.string(), "--ask", "what is it ?"});
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.output, ContainsSubstring("nothing.mp4"));
  }
  CHECK(run_program({"chat-tiny", "--model", run.at("base"), "--video", "a", "--image", "b"})
            .exit_code == 2);
}

TEST_CASE("the keys of a model are listed without a checkpoint", "[e2e]") {
  auto const outcome = run_program({"chat-tiny", "--keys"});
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.output, ContainsSubstring("lm_head.weight\tBF16\t512,128\n"));
  CHECK_THAT(outcome.output,
             ContainsSubstring("\nmodel.vision_tower.vision_tower.encoder.patch_embed.proj.weight"
                               "\tBF16\t128,3,1,8,8\n"));
}
