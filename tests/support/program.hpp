#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/golden.hpp"

namespace vcflash::test {

struct Outcome {
  int exit_code;       ///< 128 + the signal's number if a signal ended the program
  std::string output;  ///< what it wrote to stdout and stderr
};

/// Runs a program of build/bin and waits for its end.
/// \param command its name and arguments, each taken literally  \param prefix shell words before
/// it, e.g. "ulimit -f 100;"
inline Outcome run_program(std::vector<std::string> const& command,
                           std::string const& prefix = "") {
  auto const quoted = [](std::string const& word) {
    std::string text = "'";
    for (char const c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
  };
  char const* given = std::getenv("VCFLASH_BIN");
  auto const folder = given ? std::filesystem::path(given) : source_root() / "build/bin";
  std::string line = prefix + " " + quoted((folder / command.at(0)).string());
  for (std::size_t i = 1; i < command.size(); ++i) line += " " + quoted(command[i]);

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

}  // namespace vcflash::test
