#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>

#include <vcflash/text/turns.hpp>

#include "tests/app/tiny_run.hpp"
#include "tests/support/terminal.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Asks on a terminal.  \return the answer, without the echo of the question before it
std::string ask(test::Terminal& terminal, std::string const& question) {
  terminal.type(question);
  terminal.wait_for(question + "\r\n");
  auto const answer = terminal.wait_for("\r\n> ");
  return answer.substr(0, std::min(answer.find("\r\n("), answer.size() - 4));
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

  auto const saved = run.at("said.jsonl");
  terminal.type("/save " + saved);
  CHECK_THAT(terminal.wait_for("\r\n> "), ContainsSubstring("appended to"));
  auto const turns = nlohmann::json::parse(test::read_file(saved)).at("conversations");
  REQUIRE(turns.size() == 4);
  CHECK(turns[0]["value"] == "<image>\nwhat colour is it ?");
  CHECK(turns[1]["value"] == text::stripped(of_four));
  CHECK(turns[2]["value"] == "where does it move ?");

  terminal.type("/reset");
  terminal.wait_for("\r\n> ");
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

TEST_CASE("Ctrl-C stops an answer, and at the prompt the program", "[e2e]") {
  test::TinyRun const run;
  test::Terminal terminal({"chat-tiny", "--model", run.at("base"), "--max-tokens", "900"});
  terminal.wait_for("> ");
  terminal.type("how are you ?");
  terminal.wait_for("how are you ?\r\n");
  terminal.glance();
  terminal.press("\x03");
  CHECK_THAT(terminal.wait_for("\r\n> "), ContainsSubstring("(stopped)"));

  auto const saved = run.at("said.jsonl");
  terminal.type("/save " + saved);
  terminal.wait_for("\r\n> ");
  CHECK(nlohmann::json::parse(test::read_file(saved)).at("conversations").size() == 2);
  terminal.type("and now ?");
  terminal.wait_for("and now ?\r\n");
  terminal.glance();
  terminal.press("\x03");
  terminal.wait_for("\r\n> ");
  terminal.press("\x03");
  CHECK(terminal.wait_for_end() == 128 + SIGINT);
}

TEST_CASE("what a model says cannot steer a terminal", "[e2e]") {
  test::TinyRun const run;
  // Nearly all tokens alike: single bytes, control characters among them.
  std::vector<std::string> const command{
      "chat-tiny", "--model",      run.at("base"), "--temperature", "50", "--top-k",
      "0",         "--max-tokens", "400"};
  test::Terminal terminal(command);
  terminal.wait_for("> ");
  auto const answer = ask(terminal, "what ?");
  auto const steers = [](char c) {
    auto const byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\r' && c != '\n' && c != '\t') || byte == 0x7F;
  };
  CHECK_THAT(answer, ContainsSubstring("\\x1b"));
  CHECK(std::ranges::count_if(answer, steers) == 0);
  auto const piped = test::run_program(command, "echo 'what ?' |");
  CHECK(std::ranges::count_if(piped.output, steers) > 0);
}
