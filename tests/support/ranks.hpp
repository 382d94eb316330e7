#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/program.hpp"

namespace vcflash::test {

/// A program of build/bin as one of several processes, as torchrun would start it.
class Rank {
 public:
  Rank(std::vector<std::string> command, int rank, int processes, std::uint16_t port) {
    char const* const given = std::getenv("VCFLASH_BIN");
    auto const folder = given ? std::filesystem::path(given) : source_root() / "build/bin";
    command[0] = (folder / command[0]).string();
    auto const log = log_.write("output", "");
    process_ = ::fork();
    if (process_ < 0) throw std::runtime_error("cannot start " + command[0]);
    if (process_ == 0) {
      ::setenv("RANK", std::to_string(rank).c_str(), 1);
      ::setenv("WORLD_SIZE", std::to_string(processes).c_str(), 1);
      ::setenv("MASTER_ADDR", "127.0.0.1", 1);
      ::setenv("MASTER_PORT", std::to_string(port).c_str(), 1);
      ::setenv("OMP_NUM_THREADS", "1", 1);
      int const file = ::open(log.c_str(), O_WRONLY | O_APPEND);
      ::dup2(file, STDOUT_FILENO);
      ::dup2(file, STDERR_FILENO);
      std::vector<char*> words;
      for (auto& word : command) words.push_back(word.data());
      words.push_back(nullptr);
      ::execv(words[0], words.data());
      ::_exit(127);
    }
  }
  Rank(Rank const&) = delete;
  Rank& operator=(Rank const&) = delete;
  ~Rank() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
  }

  void signal(int number) const { ::kill(process_, number); }

  /// What it wrote so far.
  std::string output() const { return read_file(log_ / "output"); }

  /// Waits for its end. \return as `run_program`; the exit code -1 if it had not ended in time
  Outcome wait(std::chrono::duration<double> longest = std::chrono::minutes(5)) {
    auto const until = std::chrono::steady_clock::now() + longest;
    int status = 0;
    while (::waitpid(process_, &status, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() > until) return {-1, output()};
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    process_ = -1;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), output()};
  }

 private:
  TemporaryFolder log_;
  pid_t process_ = -1;
};

}  // namespace vcflash::test
