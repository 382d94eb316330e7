#pragma once

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/golden.hpp"

namespace vcflash::test {

/// A program of build/bin on a terminal of its own, and somebody who types and reads there.
class Terminal {
 public:
  /// \param command its name and arguments  \param columns the terminal's width
  explicit Terminal(std::vector<std::string> command, unsigned short columns = 200) {
    char const* given = std::getenv("VCFLASH_BIN");
    auto const folder = given ? std::filesystem::path(given) : source_root() / "build/bin";
    command.at(0) = (folder / command.at(0)).string();
    std::vector<char*> words;
    for (auto& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    winsize size{.ws_row = 40, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    child_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
    if (child_ < 0) throw std::runtime_error("there is no terminal to be had");
    if (child_ == 0) {
      ::execv(words[0], words.data());
      ::_exit(127);
    }
  }
  Terminal(Terminal const&) = delete;
  Terminal& operator=(Terminal const&) = delete;
  ~Terminal() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::close(terminal_);
  }

  /// Types a line and the return key; the terminal echoes it.
  void type(std::string_view line) { press(std::string(line) + '\n'); }
  void press(std::string_view keys) {
    while (!keys.empty()) {
      auto const written = ::write(terminal_, keys.data(), keys.size());
      if (written < 0) throw std::runtime_error("nobody listens to the terminal");
      keys.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  /// Reads until a text is shown.
  /// \return what was shown since the last wait, with the text at its end
  std::string wait_for(std::string_view text) {
    std::size_t found;
    while ((found = unread_.find(text)) == std::string::npos) {
      if (!read_more()) {
        throw std::runtime_error("waited for \"" + std::string(text) + "\", was shown: " + unread_);
      }
    }
    auto const shown = unread_.substr(0, found + text.size());
    unread_.erase(0, shown.size());
    return shown;
  }

  /// Waits for the program's end.  \return its exit code
  int wait_for_end() {
    while (read_more()) {
    }
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  /// Waits for something to be shown, and tells what it is, without taking it.
  std::string const& glance() {
    if (unread_.empty()) read_more();
    return unread_;
  }

 private:
  /// \return false at the program's end, or when nothing was shown for a minute
  bool read_more() {
    pollfd poll{.fd = terminal_, .events = POLLIN, .revents = 0};
    if (::poll(&poll, 1, 60'000) <= 0) return false;
    std::array<char, 4096> chunk;
    auto const count = ::read(terminal_, chunk.data(), chunk.size());
    if (count <= 0) return false;
    unread_.append(chunk.data(), static_cast<std::size_t>(count));
    return true;
  }

  int terminal_ = -1;
  pid_t child_ = -1;
  std::string unread_;
};

}  // namespace vcflash::test
