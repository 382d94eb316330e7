#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/golden.hpp"

namespace vcflash::test {

struct Outcome {
  int exit_code;       ///< 128 + the signal's number if a signal ended the program
  std::string output;  ///< what it wrote to stdout and stderr
};

/// Runs a line of shell and waits for its end.
inline Outcome run_command(std::string const& line) {
  std::FILE* pipe = popen(("{ " + line + "; } 2>&1").c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot start " + line);
  Outcome outcome{};
  std::array<char, 4096> chunk;
  std::size_t count;
  while ((count = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0) {
    outcome.output.append(chunk.data(), count);
  }
  int const status = pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

/// A program of build/bin as a line of shell.
/// \param command its name and arguments, each taken literally
inline std::string shell_line(std::vector<std::string> const& command) {
  auto const quoted = [](std::string const& word) {
    std::string text = "'";
    for (char const c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
  };
  char const* given = std::getenv("VCFLASH_BIN");
  auto const folder = given ? std::filesystem::path(given) : source_root() / "build/bin";
  std::string line = quoted((folder / command.at(0)).string());
  for (std::size_t i = 1; i < command.size(); ++i) line += " " + quoted(command[i]);
  return line;
}

/// What ran within this process gave back and wrote.
struct Ending {
  int code;
  std::string out, err;
};

/// Runs `body`, which gives an exit code, and keeps what it writes to std::cout and std::cerr.
template <class Body>
Ending run_here(Body&& body) {
  std::ostringstream out, err;
  auto* const out_before = std::cout.rdbuf(out.rdbuf());
  auto* const err_before = std::cerr.rdbuf(err.rdbuf());
  int const code = body();
  std::cout.rdbuf(out_before);
  std::cerr.rdbuf(err_before);
  return {code, out.str(), err.str()};
}

/// Runs a program of build/bin and waits for its end.
/// \param prefix shell words before it, e.g. "ulimit -f 100;"
inline Outcome run_program(std::vector<std::string> const& command,
                           std::string const& prefix = "") {
  return run_command(prefix + " " + shell_line(command));
}

}  // namespace vcflash::test
