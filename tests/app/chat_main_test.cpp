#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

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
