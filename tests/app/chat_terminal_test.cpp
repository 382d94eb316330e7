#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/app/tiny_run.hpp"
#include "tests/support/terminal.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Asks on a terminal.  \return the answer, without the echo of the question before it
std::string ask(test::Terminal& terminal, std::string const& question) {
  terminal.type(question);
  terminal.wait_for(question + "\r\n");
  auto answer = terminal.wait_for("\r\n> ");
  return answer.substr(0, answer.size() - 4);
}

}  // namespace

TEST_CASE("a person at a terminal asks, looks at other frames, begins anew, saves and leaves",
          "[e2e]") {
  test::TinyRun const run;
  auto const clip = run.at("data/shapes/clips/000001.mp4");
  test::Terminal terminal({"chat-tiny", "--model", run.at("base"), "--video", clip, "--min-frames",
                           "8", "--max-frames", "8", "--max-tokens", "6"});
  CHECK_THAT(terminal.wait_for("> "),
             ContainsSubstring("looking at 8 frames") && ContainsSubstring("/help"));
  auto const first = ask(terminal, "what colour is it ?");
  CHECK_FALSE(first.empty());

  terminal.type("/frames 4");
  CHECK_THAT(terminal.wait_for("\r\n> "), ContainsSubstring("looking at 4 frames"));
  auto const of_four = ask(terminal, "what colour is it ?");
  ask(terminal, "where does it move ?");

  auto const saved = run.at("said.json");
  terminal.type("/save " + saved);
  CHECK_THAT(terminal.wait_for("\r\n> "), ContainsSubstring("written to"));
  auto const turns = nlohmann::json::parse(test::read_file(saved)).at("conversations");
  REQUIRE(turns.size() == 4);
  CHECK(turns[0]["value"] == "<image>\nwhat colour is it ?");
  CHECK(turns[1]["value"] == of_four);
  CHECK(turns[2]["value"] == "where does it move ?");

  terminal.type("/reset");
  CHECK_THAT(terminal.wait_for("\r\n> "), ContainsSubstring("looking at 4 frames"));
  CHECK(ask(terminal, "what colour is it ?") == of_four);

  terminal.type("/frames 8");
  terminal.wait_for("\r\n> ");
  CHECK(ask(terminal, "what colour is it ?") == first);
  terminal.type("");
  CHECK(terminal.wait_for_end() == 0);
}

TEST_CASE("an answer is read while it is still being made", "[e2e]") {
  test::TinyRun const run;
  test::Terminal terminal({"chat-tiny", "--model", run.at("base"), "--max-tokens", "3000"});
  terminal.wait_for("> ");
  terminal.type("how are you ?");
  terminal.wait_for("how are you ?\r\n");
  std::string const begun = terminal.glance();
  auto const answer = terminal.wait_for("\r\n> ");
  CHECK_FALSE(begun.empty());
  CHECK(answer.starts_with(begun));
  CHECK(begun.size() < answer.size() / 2);
}

TEST_CASE("the end of the input ends a conversation on a terminal", "[e2e]") {
  test::TinyRun const run;
  test::Terminal terminal({"chat-tiny", "--model", run.at("base"), "--max-tokens", "3"});
  terminal.wait_for("> ");
  terminal.press("\x04");
  CHECK(terminal.wait_for_end() == 0);
}
