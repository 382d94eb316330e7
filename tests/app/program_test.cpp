#include <vcflash/app/build_commit.hpp>
#include <vcflash/app/program.hpp>

#include <CLI/CLI.hpp>
#include <catch2/catch_test_macros.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/program.hpp"

using vcflash::app::Program;

namespace {

/// Runs a program with one required flag, whose body is `body`.
template <class Body>
vcflash::test::Ending run_flagged(std::vector<char const*> arguments, Body&& body) {
  Program program("try-me", "Tries things.", "try-me --data mix.yaml");
  std::string data;
  program.flags().add_option("--data", data, "What to read")->required();
  arguments.insert(arguments.begin(), "try-me");
  return vcflash::test::run_here([&] {
    return program.run(static_cast<int>(arguments.size()), arguments.data(), [&] { body(data); });
  });
}

}  // namespace

TEST_CASE("a program that does its work ends with 0", "[unit]") {
  auto const outcome =
      run_flagged({"--data", "x"}, [](std::string const& data) { CHECK(data == "x"); });
  CHECK(outcome.code == 0);
  CHECK(outcome.err.empty());
}

TEST_CASE("wrong input ends with 2 and one sentence that begins with the program", "[unit]") {
  auto const outcome = run_flagged({"--data", "x"}, [](std::string const&) {
    throw vcflash::InputError("x: row 7 has no turns.");
  });
  CHECK(outcome.code == 2);
  CHECK(outcome.err == "try-me: x: row 7 has no turns.\n");
}

TEST_CASE("a failure ends with 1", "[unit]") {
  CHECK(run_flagged({"--data", "x"}, [](std::string const&) {
          throw vcflash::Error("no.");
        }).code == 1);
  CHECK(run_flagged({"--data", "x"}, [](std::string const&) { throw std::bad_alloc(); }).code == 1);
}

TEST_CASE("of a foreign error's message only the first line is shown", "[unit]") {
  auto const outcome = run_flagged({"--data", "x"}, [](std::string const&) {
    throw std::runtime_error("sizes differ\nException raised from somewhere\nframe #0");
  });
  CHECK(outcome.code == 1);
  CHECK(outcome.err == "try-me: sizes differ\n");
}

TEST_CASE("wrong flags end with 2 and point at the help", "[unit]") {
  bool ran = false;
  auto const body = [&](std::string const&) { ran = true; };
  for (auto const& arguments : std::vector<std::vector<char const*>>{
           {}, {"--data"}, {"--data", "x", "--dat", "y"}, {"--data", "x", "stray"}}) {
    auto const outcome = run_flagged(arguments, body);
    CHECK(outcome.code == 2);
    CHECK(outcome.err.starts_with("try-me: "));
    CHECK(outcome.err.ends_with("(see try-me --help).\n"));
    CHECK(outcome.out.empty());
  }
  CHECK_FALSE(ran);
}

TEST_CASE("help shows an example and the exit codes, and ends with 0", "[unit]") {
  auto const outcome = run_flagged({"--help"}, [](std::string const&) {});
  CHECK(outcome.code == 0);
  CHECK(outcome.out.find("try-me --data mix.yaml") != std::string::npos);
  CHECK(outcome.out.find("2 wrong usage or input") != std::string::npos);
}

TEST_CASE("the version names the program and the library", "[unit]") {
  auto const outcome = run_flagged({"--version"}, [](std::string const&) {});
  CHECK(outcome.code == 0);
  CHECK(outcome.out.starts_with("try-me (vcflash " + std::string(vcflash::app::version)));
  CHECK(outcome.out.ends_with(")\n"));
  CHECK(outcome.out.find(vcflash::app::build_commit()) != std::string::npos);
}
