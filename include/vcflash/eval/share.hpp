#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/dist/launch.hpp>
#include <vcflash/eval/heartbeat.hpp>
#include <vcflash/eval/journal.hpp>

/// An evaluation that several processes share. A launcher starts them; they meet in the output
/// folder, where each writes a journal of its own and the first gathers them all.
namespace vcflash::eval {

/// The process that asks the questions about the `group`th video.
inline std::int64_t rank_of(std::size_t group, std::int64_t processes) {
  return static_cast<std::int64_t>(group) % processes;
}

inline std::filesystem::path sign_path(std::filesystem::path const& out, std::int64_t rank) {
  return out / fmt::format("answers.worker-{}.json", rank);
}

namespace detail {

/// The files of a folder whose names begin so.
inline std::vector<std::filesystem::path> files_named(std::filesystem::path const& folder,
                                                      std::string_view beginning) {
  std::vector<std::filesystem::path> paths;
  std::error_code none;
  for (auto const& entry : std::filesystem::directory_iterator(folder, none)) {
    if (entry.path().filename().string().starts_with(beginning)) paths.push_back(entry.path());
  }
  return paths;
}

}  // namespace detail

/// Every journal of a folder, of this run or another.
inline std::vector<std::filesystem::path> journals(std::filesystem::path const& out) {
  return detail::files_named(out, "answers.journal-");
}

/// The processes of one run, which find each other in a folder that all see. The first one names
/// the run; the others wait until it has.
class Processes {
 public:
  /// \throws InputError if a process that is at work has this one's place; Error if the first one
  ///   does not come
  Processes(std::filesystem::path out, dist::Place const& place, Pace pace = {})
      : out_(std::move(out)),
        place_(place),
        pace_(pace),
        own_(sign_path(out_, place.rank), place.processes, pace) {
    for (std::int64_t rank = 0; rank < place.processes; ++rank) {
      if (rank != place.rank) others_.emplace(rank, Watched(sign_path(out_, rank), pace));
    }
    own_.begin(place.rank == 0 ? detail::random_name() : run_of_first());
    run_ = own_.sign().run;
    began_ = std::chrono::steady_clock::now();
  }

  Processes(Processes const&) = delete;
  Processes& operator=(Processes const&) = delete;

  /// The first process looks for the others' word, and removes it (`dismiss`).
  ~Processes() {
    if (place_.rank != 0) own_.end();
  }

  std::string const& run() const { return run_; }
  std::string name() const { return own_.sign().process; }
  dist::Place const& place() const { return place_; }
  Pace const& pace() const { return pace_; }

  /// Whether a process answers its questions, or may still begin to.
  bool is_awaited(std::int64_t rank) {
    if (rank == place_.rank) return true;
    auto& other = others_.at(rank);
    auto const state = other.look();
    bool const of_this_run = other.sign().run == run_;
    if (of_this_run && state == Watched::State::at_work) {
      come_[rank] = true;
      return true;
    }
    bool const was_of_none = other.sign().run.empty();  // it had not yet heard of one
    if ((of_this_run || was_of_none) && state == Watched::State::gone) return false;
    if (of_this_run && state == Watched::State::unknown) return true;
    return !come_[rank] && std::chrono::steady_clock::now() - began_ < pace_.arrival;
  }

  /// \throws Error if another process took this one's place
  void require_held() const { own_.require_held(); }

  /// The first process says that nothing is left to do of this.
  void finish(std::string const& what) { own_.finish(what); }

  /// Whether the first process said so.
  bool is_finished(std::string const& what) {
    if (place_.rank == 0) return own_.sign().finished.contains(what);
    auto& first = others_.at(0);
    first.look();
    return first.sign().run == run_ && first.sign().finished.contains(what);
  }

  /// The first process stays until the others have seen that all is finished, and removes their
  /// files.
  void dismiss() {
    if (place_.rank != 0) return;
    auto const began = std::chrono::steady_clock::now();
    for (auto const& [rank, other] : others_) {
      while (is_awaited(rank) &&
             (come_[rank] || std::chrono::steady_clock::now() - began < pace_.gone)) {
        std::this_thread::sleep_for(pace_.look / 10);
      }
    }
    std::error_code error;
    for (auto const& path : detail::files_named(out_, "answers.worker-")) {
      if (path != sign_path(out_, 0)) std::filesystem::remove(path, error);
    }
  }

 private:
  std::string run_of_first() {
    auto const began = std::chrono::steady_clock::now();
    auto& first = others_.at(0);
    while (first.look() != Watched::State::at_work || first.sign().run.empty()) {
      if (std::chrono::steady_clock::now() - began > pace_.arrival) {
        throw Error(
            fmt::format("{}: process 0 of {} has not begun here in {} minutes; all must see "
                        "the same --out.",
                        out_.string(), place_.processes, pace_.arrival.count()));
      }
      std::this_thread::sleep_for(pace_.look / 10);
    }
    if (first.sign().processes != place_.processes) {
      throw InputError(fmt::format("{}: process 0 is one of {}, and this one of {}.", out_.string(),
                                   first.sign().processes, place_.processes));
    }
    return first.sign().run;
  }

  std::filesystem::path out_;
  dist::Place place_;
  Pace pace_;
  std::map<std::int64_t, Watched> others_;
  std::map<std::int64_t, bool> come_;  ///< who was seen at work
  Heartbeat own_;
  std::string run_;
  std::chrono::steady_clock::time_point began_;
};

/// A question that one of several processes asks.
struct SharedQuestion {
  std::string id;
  std::size_t group;  ///< those of one group are one process's
};

/// The answers of a run, whichever process and whichever start of it gave them.
class SharedAnswers {
 public:
  /// \param out the folder of the journals  \param header what the answers depend on
  /// \param fresh drops what earlier runs answered
  /// \throws InputError if the folder holds answers of another evaluation; Error if it cannot be
  ///   written
  SharedAnswers(std::filesystem::path out, nlohmann::json const& header, Processes& processes,
                bool fresh)
      : out_(std::move(out)),
        header_(as_written(header)),
        processes_(processes),
        fresh_(fresh),
        journal_(out_ / fmt::format("answers.journal-{}.jsonl", detail::random_name()),
                 processes.run(), header_) {
    if (fresh && processes.place().rank == 0) {
      for (auto const& path : journals(out_)) {
        JournalReader reader(path);
        reader.read();
        if (reader.run() != processes.run()) std::filesystem::remove(path);
      }
    }
    read();
  }

  /// Reads what all processes answered since.
  /// \throws InputError as the constructor
  void read() {
    for (auto const& path : journals(out_)) {
      auto& reader = readers_.try_emplace(path.string(), path).first->second;
      reader.read();
      if (reader.header() != header_) require_no_answers(reader);
    }
  }

  /// \return an answer that is known; none if the question is still to be asked
  Said const* find(std::string const& id) const {
    Said const* problem = nullptr;
    for (auto const& [path, reader] : readers_) {
      if (reader.header() != header_) continue;
      bool const of_this_run = reader.run() == processes_.run();
      if (fresh_ && !of_this_run) continue;
      auto const found = reader.answers().find(id);
      if (found == reader.answers().end()) continue;
      if (found->second.problem.empty()) return &found->second;
      // What an earlier run could not ask is asked again: there may be memory, time or a disk now.
      if (of_this_run) problem = &found->second;
    }
    return problem;
  }

  /// \throws Error for instance on a full disk, or if another process took this one's place
  void add(std::string const& id, Said const& said) {
    processes_.require_held();
    journal_.add(id, said);
  }

  /// Which of the questions this process is to ask.
  std::vector<std::size_t> own_part(std::vector<SharedQuestion> const& questions) const {
    auto const& place = processes_.place();
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      if (rank_of(questions[i].group, place.processes) != place.rank) continue;
      if (find(questions[i].id) == nullptr) left.push_back(i);
    }
    return left;
  }

  /// Waits until all questions are answered, or until those are left whose process is gone.
  /// \return which are left, of the processes that are; none if all are answered
  /// \throws InputError as the constructor
  std::vector<std::size_t> left_behind(std::vector<SharedQuestion> const& questions) {
    while (true) {
      // Who is at work is asked first: what one wrote that is gone is then there to be read.
      std::map<std::int64_t, bool> awaited;
      for (std::int64_t rank = 0; rank < processes_.place().processes; ++rank) {
        awaited[rank] = rank != processes_.place().rank && processes_.is_awaited(rank);
      }
      read();
      std::vector<std::size_t> left;
      bool all = true;
      for (std::size_t i = 0; i < questions.size(); ++i) {
        if (find(questions[i].id) != nullptr) continue;
        all = false;
        if (!awaited[rank_of(questions[i].group, processes_.place().processes)]) left.push_back(i);
      }
      if (all || !left.empty()) return left;
      std::this_thread::sleep_for(processes_.pace().look);
    }
  }

  /// What was said to these questions, which are all answered.
  std::vector<Said> said(std::vector<SharedQuestion> const& questions) const {
    std::vector<Said> all;
    for (auto const& question : questions) all.push_back(*find(question.id));
    return all;
  }

  /// Removes the journals of all processes, when their answers are written elsewhere.
  void remove() const {
    for (auto const& path : journals(out_)) std::filesystem::remove(path);
  }

  /// Whether this is the first process, which gathers all answers.
  bool gathers() const { return processes_.place().rank == 0; }

 private:
  void require_no_answers(JournalReader const& reader) const {
    bool const of_this_run = reader.run() == processes_.run();
    if (reader.answers().empty() || (fresh_ && !of_this_run)) return;
    auto const differs = difference(reader.header());
    throw InputError(
        of_this_run
            ? fmt::format("{}: the processes of this run do not ask alike: their {} differs.",
                          reader.path().string(), differs)
            : fmt::format("{}: holds the answers of another run, which was not finished (its {} "
                          "differs); give another --out, or --fresh to drop them.",
                          reader.path().string(), differs));
  }

  /// The first thing in which another header differs.
  std::string difference(nlohmann::json const& other) const {
    if (!other.is_object()) return "header";
    for (auto const& [key, value] : header_.items()) {
      auto const found = other.find(key);
      if (found == other.end()) return key;
      if (*found != value) return fmt::format("{} ({} and {})", key, found->dump(), value.dump());
    }
    return "header";
  }

  std::filesystem::path out_;
  nlohmann::json header_;
  Processes& processes_;
  bool fresh_;
  Journal journal_;
  std::map<std::string, JournalReader> readers_;  ///< by path
};

/// How questions are asked, and who is told.
struct SharedAsking {
  std::function<void(std::vector<std::size_t> const& questions)> ask;  ///< adds their answers
  std::function<void(std::size_t question, Said const&)> on_known{};   ///< answered before
  std::function<void(std::size_t questions)> on_left_behind{};         ///< by others, asked here
};

/// Asks this process's part of the questions, and, in the first of several processes, what those
/// left that are no longer at work.
/// \return in the first process all answers
inline std::optional<std::vector<Said>> answer_all(SharedAnswers& answers,
                                                   std::vector<SharedQuestion> const& questions,
                                                   SharedAsking const& asking) {
  if (asking.on_known) {
    for (std::size_t i = 0; i < questions.size(); ++i) {
      if (auto const* const said = answers.find(questions[i].id)) asking.on_known(i, *said);
    }
  }
  if (auto const part = answers.own_part(questions); !part.empty()) asking.ask(part);
  if (!answers.gathers()) return std::nullopt;
  while (true) {
    auto const left = answers.left_behind(questions);
    if (left.empty()) return answers.said(questions);
    if (asking.on_left_behind) asking.on_left_behind(left.size());
    asking.ask(left);
  }
}

}  // namespace vcflash::eval
