#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/app/tiny_run.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using test::run_program;

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
  auto const outcome = run_program({"chat-tiny", "--model", run.at("base"), "--max-tokens", "3"},
                                   "printf 'how are you ?\\nand now ?\\n' |");
  CAPTURE(outcome.output);
  CHECK(outcome.exit_code == 0);
  CHECK(std::ranges::count(outcome.output, '\n') >= 2);
}

TEST_CASE("one answer as JSON says what was asked and which frames were looked at", "[e2e]") {
  test::TinyRun const run;
  auto const clip = run.at("data/shapes/clips/000001.mp4");
  auto const outcome = run_program({"chat-tiny", "--model", run.at("base"), "--video", clip,
                                    "--min-frames", "8", "--max-frames", "8", "--max-tokens", "5",
                                    "--ask", "what colour is it ?", "--json"});
  CAPTURE(outcome.output);
  REQUIRE(outcome.exit_code == 0);
  auto const json = nlohmann::json::parse(outcome.output.substr(outcome.output.find('{')));
  CHECK(json.at("question") == "what colour is it ?");
  CHECK(json.at("video") == clip);
  CHECK(json.at("frames") == 8);
  CHECK(json.at("seconds").size() == 8);
  CHECK(json.contains("answer"));
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
  auto const saved = run.at("said.json");
  auto const input = run.folder.write(
      "typed", "/video " + clips +
                   "000001.mp4\nwhat colour is it ?\n/frames 4\nwhere ?\n/nonsense\n"
                   "/video none.mp4\n/reset\nwhat shape is it ?\n/save " +
                   saved + "\n");
  auto const outcome = run_program({"chat-tiny", "--model", run.at("base"), "--max-tokens", "3",
                                    "--min-frames", "8", "--max-frames", "8"},
                                   "cat " + input.string() + " |");
  CAPTURE(outcome.output);
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.output, ContainsSubstring("looking at 8 frames") &&
                                 ContainsSubstring("looking at 4 frames") &&
                                 ContainsSubstring("none.mp4") && ContainsSubstring("/save FILE"));
  auto const json = nlohmann::json::parse(test::read_file(saved));
  CHECK(json.at("video") == clips + "000001.mp4");
  REQUIRE(json.at("conversations").size() == 2);
  CHECK(json["conversations"][0]["from"] == "human");
  CHECK_THAT(json["conversations"][0]["value"].get<std::string>(),
             ContainsSubstring("what shape is it ?"));
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
