#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/exam.hpp>

/// The answers of an evaluation as they come, so that one that was killed goes on where it was.
namespace vcflash::eval {

/// A header as a file gives it back: what is no UTF-8 in it, a path perhaps, is replaced.
inline nlohmann::json as_written(nlohmann::json const& header) {
  return nlohmann::json::parse(
      header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

/// A journal that another process may be writing, or wrote before it was killed.
class JournalReader {
 public:
  explicit JournalReader(std::filesystem::path path) : path_(std::move(path)) {}

  /// Reads what is new, up to the first line that is not whole: a process that is killed may leave
  /// half of one.
  void read() {
    std::ifstream file(path_, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(whole_));
    std::string const bytes{std::istreambuf_iterator<char>(file), {}};
    for (std::size_t begin = 0, end; (end = bytes.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      auto const line =
          nlohmann::json::parse(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                                bytes.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
      if (!take(line)) return;
      whole_ += end + 1 - begin;
    }
  }

  std::filesystem::path const& path() const { return path_; }
  std::string const& run() const { return run_; }
  nlohmann::json const& header() const { return header_; }
  std::map<std::string, Said> const& answers() const { return answers_; }

 private:
  /// \return whether it is what a journal holds
  bool take(nlohmann::json const& line) {
    if (!line.is_object()) return false;
    auto const text = [&](char const* key) {
      return line.contains(key) && line[key].is_string() ? line[key].get<std::string>() : "";
    };
    if (whole_ == 0) {
      run_ = text("run");
      header_ = line.value("about", nlohmann::json());
      return true;
    }
    if (text("id").empty()) return false;
    answers_[text("id")] = {text("text"), text("problem")};
    return true;
  }

  std::filesystem::path path_;
  std::size_t whole_ = 0;  ///< bytes of lines that are read
  std::string run_;
  nlohmann::json header_;
  std::map<std::string, Said> answers_;
};

/// A file of answers, appended one by one, which one process writes during one start. It is on the
/// disk at most a second after an answer came.
class Journal {
 public:
  /// \param path where nothing is yet
  /// \param run of which the answers are  \param header what they depend on
  /// \throws Error if it cannot be written
  Journal(std::filesystem::path path, std::string const& run, nlohmann::json const& header)
      : path_(std::move(path)) {
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) fail_to_write();
    try {
      append({{"run", run}, {"about", header}});
    } catch (...) {
      ::close(file_);
      throw;
    }
    flusher_ = std::jthread([this](std::stop_token const& stop) { flush_while(stop); });
  }

  Journal(Journal const&) = delete;
  Journal& operator=(Journal const&) = delete;

  ~Journal() {
    flusher_.request_stop();
    if (flusher_.joinable()) flusher_.join();
    if (dirty_) ::fsync(file_);
    ::close(file_);
  }

  /// \throws Error for instance on a full disk
  void add(std::string const& id, Said const& said) {
    nlohmann::ordered_json line{{"id", id}, {"text", said.text}};
    if (!said.problem.empty()) line["problem"] = said.problem;
    append(line);
    std::scoped_lock const lock(guard_);
    dirty_ = true;
    changed_.notify_all();
  }

 private:
  [[noreturn]] void fail_to_write() const {
    throw Error(fmt::format("{}: cannot be written ({}).", path_.string(), std::strerror(errno)));
  }

  void append(nlohmann::ordered_json const& json) {
    std::string const line =
        json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
    std::string_view left = line;
    while (!left.empty()) {
      auto const written = ::write(file_, left.data(), left.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_to_write();
      left.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void flush_while(std::stop_token const& stop) {
    std::unique_lock lock(guard_);
    while (changed_.wait(lock, stop, [&] { return dirty_; })) {
      changed_.wait_for(lock, stop, std::chrono::milliseconds(500), [] { return false; });
      dirty_ = false;
      lock.unlock();
      ::fsync(file_);
      lock.lock();
    }
  }

  std::filesystem::path path_;
  int file_ = -1;
  std::mutex guard_;
  std::condition_variable_any changed_;  // its waits see that the end is asked for
  bool dirty_ = false;
  std::jthread flusher_;
};

}  // namespace vcflash::eval
