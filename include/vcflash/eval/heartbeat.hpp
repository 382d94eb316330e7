#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <vcflash/base/error.hpp>

/// How a process shows others that it is at work, by a file that it writes anew every second. A
/// file system need only rename files and refuse to create one twice, as NFS does; clocks of
/// machines are not compared.
namespace vcflash::eval {

/// When a process shows itself, and how long it is waited for.
struct Pace {
  std::chrono::milliseconds beat{1000};    ///< from one sign of life to the next
  std::chrono::milliseconds gone{30'000};  ///< without one, a process has ended or is stopped
  std::chrono::minutes arrival{10};        ///< that a process may begin later than another
  std::chrono::milliseconds look{1000};    ///< between two looks at what others did
};

/// What a process says of itself.
struct Sign {
  std::string run{};      ///< of which it is one process
  std::string process{};  ///< a name that no other start has
  std::int64_t processes = 1;
  std::uint64_t beat = 0;  ///< counts
  bool ended = false;
  std::set<std::string> finished{};  ///< what of the run is done, as its first process says
  std::string machine{};             ///< and boot of it, and namespace of its processes
  std::int64_t pid = 0;
  std::string started{};  ///< by the machine's own count
};

namespace detail {

/// A name that nothing else has.
inline std::string random_name() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

/// Empty where the system does not say.
inline std::string this_machine() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::error_code error;
  auto const processes = std::filesystem::read_symlink("/proc/self/ns/pid", error);
  if (!std::getline(file, boot) || error) return {};
  return boot + " " + processes.string();
}

/// When a process of this machine was started; empty if it is none that runs.
inline std::string start_of(std::int64_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string const stat{std::istreambuf_iterator<char>(file), {}};
  auto const name_end = stat.rfind(')');  // a program's name may hold anything
  if (name_end == std::string::npos) return {};
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field, state;
  fields >> state;
  if (state == "Z" || state == "X") return {};
  for (int i = 4; i <= 22; ++i) fields >> field;  // as proc(5) counts them
  return field;
}

/// What a file says; nothing if it cannot be read, as while it is being claimed.
inline std::optional<Sign> read_sign(std::filesystem::path const& path) {
  std::ifstream file(path);
  auto const json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  try {
    return Sign{.run = json.at("run"),
                .process = json.at("process"),
                .processes = json.at("processes"),
                .beat = json.at("beat"),
                .ended = json.at("ended"),
                .finished = json.at("finished"),
                .machine = json.at("machine"),
                .pid = json.at("pid"),
                .started = json.at("started")};
  } catch (nlohmann::json::exception const&) {
    return std::nullopt;
  }
}

inline std::string to_text(Sign const& sign) {
  return nlohmann::ordered_json{
             {"run", sign.run},         {"process", sign.process}, {"processes", sign.processes},
             {"beat", sign.beat},       {"ended", sign.ended},     {"finished", sign.finished},
             {"machine", sign.machine}, {"pid", sign.pid},         {"started", sign.started}}
             .dump() +
         '\n';
}

}  // namespace detail

/// Another process, as its file shows it from here.
class Watched {
 public:
  enum class State {
    absent,   ///< there is no file
    unknown,  ///< there is one, and whether somebody still writes it is not known yet
    at_work,
    gone,  ///< there is one, which nobody writes any more
  };

  Watched(std::filesystem::path path, Pace pace) : path_(std::move(path)), pace_(pace) {}

  /// What it said last.
  Sign const& sign() const { return sign_; }

  /// Looks at the file.
  State look() {
    auto const now = std::chrono::steady_clock::now();
    std::error_code error;
    if (!std::filesystem::exists(path_, error)) return State::absent;
    auto const read = detail::read_sign(path_).value_or(Sign{});
    if (read.process != sign_.process || !since_) {
      since_ = now;
      seen_to_beat_ = is_of_this_machine(read);
    } else if (read.beat != sign_.beat) {
      since_ = now;
      seen_to_beat_ = true;
    }
    sign_ = read;
    if (read.ended) return State::gone;
    if (is_of_this_machine(read) && detail::start_of(read.pid) != read.started) return State::gone;
    if (now - *since_ >= pace_.gone) return State::gone;
    return seen_to_beat_ ? State::at_work : State::unknown;
  }

 private:
  static bool is_of_this_machine(Sign const& sign) {
    return !sign.machine.empty() && sign.machine == detail::this_machine();
  }

  std::filesystem::path path_;
  Pace pace_;
  Sign sign_;
  std::optional<std::chrono::steady_clock::time_point> since_;  ///< that its last beat is known
  bool seen_to_beat_ = false;
};

/// This process's sign of life: the file is there from the first beat to the destructor, or stays,
/// if it says that this process has ended.
class Heartbeat {
 public:
  /// \param path is this process's alone, which is taken over from one that is gone
  /// \throws InputError if a process that is at work has it; Error if it cannot be written
  Heartbeat(std::filesystem::path path, std::int64_t processes, Pace pace)
      : path_(std::move(path)), pace_(pace) {
    sign_.processes = processes;
    sign_.process = detail::random_name();
    sign_.machine = detail::this_machine();
    sign_.pid = ::getpid();
    sign_.started = detail::start_of(sign_.pid);
    claim();
  }

  Heartbeat(Heartbeat const&) = delete;
  Heartbeat& operator=(Heartbeat const&) = delete;

  ~Heartbeat() {
    stop();
    if (sign_.ended) return;
    std::error_code error;
    auto const written = detail::read_sign(path_);
    if (written && written->process == sign_.process) std::filesystem::remove(path_, error);
  }

  /// Begins to beat, for a run.
  void begin(std::string run) {
    sign_.run = std::move(run);
    write();
    beating_ = std::jthread([this](std::stop_token const& stop) { beat_until(stop); });
  }

  /// Says, in a file that stays, that this process has ended.
  void end() {
    stop();
    if (lost_) return;
    sign_.ended = true;
    write();
  }

  Sign sign() const {
    std::scoped_lock const lock(guard_);
    return sign_;
  }

  /// Says that this is done.
  void finish(std::string const& what) {
    {
      std::scoped_lock const lock(guard_);
      sign_.finished.insert(what);
    }
    write();
  }

  /// \throws Error if another process took this one's place, which it thought gone
  void require_held() const {
    std::scoped_lock const lock(guard_);
    if (!lost_) return;
    throw Error(
        fmt::format("{}: another process has taken this one's place, which gave no sign of life "
                    "for {} seconds.",
                    path_.string(), pace_.gone.count() / 1000));
  }

 private:
  void stop() {
    beating_.request_stop();
    if (beating_.joinable()) beating_.join();
  }

  void claim() {
    Watched before(path_, pace_);
    while (true) {
      int const file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (file >= 0) {
        ::close(file);
        write();
        return;
      }
      if (errno != EEXIST) {
        throw Error(
            fmt::format("{}: cannot be written ({}).", path_.string(), std::strerror(errno)));
      }
      auto const state = before.look();
      if (state == Watched::State::at_work) {
        throw InputError(fmt::format("{}: another process is writing its answers here.",
                                     path_.parent_path().string()));
      }
      if (state == Watched::State::gone) {
        std::error_code error;
        std::filesystem::rename(path_, aside(), error);
        std::filesystem::remove(aside(), error);
      } else if (state == Watched::State::unknown) {
        std::this_thread::sleep_for(pace_.beat / 4);
      }
    }
  }

  std::filesystem::path aside() const { return path_.string() + "." + sign_.process; }

  /// Whether the file is this process's, or nobody's.
  bool is_held() const {
    auto const written = detail::read_sign(path_);
    return !written || written->process == sign_.process;
  }

  /// Writes the file anew, wholly or not at all.
  void write() {
    std::scoped_lock const lock(guard_);
    ++sign_.beat;
    std::error_code error;
    {
      std::ofstream file(aside());
      file << detail::to_text(sign_) << std::flush;
      if (!file) return;  // the next beat may find room
    }
    std::filesystem::rename(aside(), path_, error);
  }

  void beat_until(std::stop_token const& stop) {
    std::mutex waiting;
    std::condition_variable_any never;
    std::unique_lock lock(waiting);
    while (!stop.stop_requested()) {
      never.wait_for(lock, stop, pace_.beat, [] { return false; });
      if (stop.stop_requested()) return;
      if (!is_held()) {
        std::scoped_lock const losing(guard_);
        lost_ = true;
        return;
      }
      write();
    }
  }

  std::filesystem::path path_;
  Pace pace_;
  mutable std::mutex guard_;
  Sign sign_;
  bool lost_ = false;
  std::jthread beating_;
};

}  // namespace vcflash::eval
