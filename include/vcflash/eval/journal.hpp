#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/exam.hpp>

/// The answers of an evaluation as they come, so that one that was killed goes on where it was.
namespace vcflash::eval {

namespace detail {

/// What a journal holds: its first line, the answers by question, and how many bytes of it are
/// whole lines.
struct JournalContent {
  nlohmann::json header;
  std::map<std::string, Said> answers;
  std::uintmax_t whole = 0;
};

/// A header as a file gives it back: what is no UTF-8 in it, a path perhaps, is replaced.
inline nlohmann::json as_written(nlohmann::json const& header) {
  return nlohmann::json::parse(
      header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

/// What could not be asked is forgotten: it is asked again.
inline void forget_problems(std::map<std::string, Said>& answers) {
  std::erase_if(answers, [](auto const& answer) { return !answer.second.problem.empty(); });
}

/// Reads up to the first line that is not whole: a process that is killed may leave half of one.
/// What could not be asked before the file was opened anew is not in it.
inline JournalContent read_journal(std::filesystem::path const& path) {
  JournalContent content;
  std::ifstream file(path, std::ios::binary);
  std::string const bytes{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t begin = 0, end; (end = bytes.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    auto const line =
        nlohmann::json::parse(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                              bytes.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (!line.is_object()) break;
    if (begin == 0) {
      content.header = line;
    } else if (line.contains("id") && line["id"].is_string()) {
      content.answers[line["id"]] = {line.value("text", ""), line.value("problem", "")};
    } else if (line.contains("again")) {
      forget_problems(content.answers);
    } else {
      break;
    }
    content.whole = end + 1;
  }
  return content;
}

}  // namespace detail

/// A file of answers, appended one by one. It is on the disk at most a second after an answer came.
/// While it is open no other process can open it. A question that could not be asked, for want of
/// memory or time perhaps, or because a disk was away, is to be asked again when it is opened anew.
class Journal {
 public:
  /// \param header what the answers depend on
  /// \throws InputError if the file holds the answers of another run, or another process writes it;
  ///   Error if it cannot be written
  Journal(std::filesystem::path path, nlohmann::json const& header) : path_(std::move(path)) {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) fail_to_write();
    try {
      begin(detail::as_written(header));
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

  /// What was answered before this process began.
  std::map<std::string, Said> const& answers() const { return answers_; }

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

  void begin(nlohmann::json const& header) {
    // another process may hold it for a moment, to see who is at work (share.hpp)
    for (int tries = 0; ::flock(file_, LOCK_EX | LOCK_NB) != 0; ++tries) {
      if (errno != EWOULDBLOCK && errno != EINTR) {
        throw Error(
            fmt::format("{}: cannot be locked ({}), as several processes need it to be; give an "
                        "--out on a disk "
                        "where files can be.",
                        path_.string(), std::strerror(errno)));
      }
      if (tries < 20) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        continue;
      }
      throw InputError(fmt::format("{}: another process is writing its answers here.",
                                   path_.parent_path().string()));
    }
    auto content = detail::read_journal(path_);
    bool const other = content.whole > 0 && content.header != header;
    if (other && !content.answers.empty()) {
      throw InputError(fmt::format(
          "{}: holds the answers of another run, which was not finished (its {} differs); give "
          "another --out, or --fresh to drop them.",
          path_.string(), difference(content.header, header)));
    }
    if (other) content.whole = 0;
    if (::ftruncate(file_, static_cast<off_t>(content.whole)) != 0) fail_to_write();
    if (content.whole == 0) append(header);
    answers_ = std::move(content.answers);
    auto const known = answers_.size();
    detail::forget_problems(answers_);
    if (answers_.size() < known) append({{"again", true}});
  }

  static std::string difference(nlohmann::json const& one, nlohmann::json const& other) {
    for (auto const& [key, value] : other.items()) {
      if (!one.contains(key) || one[key] != value) return key;
    }
    return "header";
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
  std::map<std::string, Said> answers_;
  std::mutex guard_;
  std::condition_variable_any changed_;  // its waits see that the end is asked for
  bool dirty_ = false;
  std::jthread flusher_;
};

}  // namespace vcflash::eval
