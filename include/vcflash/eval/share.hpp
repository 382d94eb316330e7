#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/dist/launch.hpp>
#include <vcflash/eval/journal.hpp>

/// An evaluation that several processes share. A launcher starts them; they meet in the output
/// folder, where each writes a journal of its own and the first gathers them all.
namespace vcflash::eval {

/// Whether the process at this place asks the questions about the `group`th video.
inline bool takes(dist::Place const& place, std::size_t group) {
  return static_cast<std::int64_t>(group) % place.processes == place.rank;
}

inline std::filesystem::path journal_path(std::filesystem::path const& out, std::int64_t rank) {
  return out / fmt::format("answers.journal-{}.jsonl", rank);
}

/// Every journal of a folder, of this number of processes or another.
inline std::vector<std::filesystem::path> journals(std::filesystem::path const& out) {
  std::vector<std::filesystem::path> paths;
  std::error_code none;
  for (auto const& entry : std::filesystem::directory_iterator(out, none)) {
    if (entry.path().filename().string().starts_with("answers.journal-")) {
      paths.push_back(entry.path());
    }
  }
  return paths;
}

/// The answers of every journal in a folder that is of this run.
/// \param problems_of whether what could not be asked by that journal counts: a process that is
///   still to begin will ask it again
inline std::map<std::string, Said> journalled_answers(
    std::filesystem::path const& out, nlohmann::json const& header,
    std::function<bool(std::filesystem::path const&)> const& problems_of) {
  std::map<std::string, Said> answers, others;
  for (auto const& path : journals(out)) {
    auto content = detail::read_journal(path);
    if (content.header != header) continue;
    auto& all = content.answers;
    if (problems_of(path)) others.insert(all.begin(), all.end());
    detail::forget_problems(all);
    answers.merge(all);
  }
  answers.merge(others);  // of which problems are new: an answer goes before one
  return answers;
}

/// Whether the process that wrote a journal has ended.
inline bool has_ended(std::filesystem::path const& journal) {
  // to be written: over NFS a file that is only read cannot be locked
  int const file = ::open(journal.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return false;
  bool const free = ::flock(file, LOCK_EX | LOCK_NB) == 0;
  ::close(file);
  return free;
}

/// The other processes of a run, as their journals show them.
class Others {
 public:
  Others(std::filesystem::path out, dist::Place const& place) : out_(std::move(out)) {
    for (std::int64_t rank = 0; rank < place.processes; ++rank) {
      if (rank != place.rank) ranks_.push_back(rank);
    }
    meet();
  }

  /// Notices who has come since. Who was at work once and is no longer has ended; another may be
  /// about to begin, and its journal be of an earlier run.
  void meet() {
    for (auto const rank : ranks_) {
      if (!met_.contains(rank) && is_at_work(rank)) met_.insert(rank);
    }
  }

  bool all_met() const { return met_.size() == ranks_.size(); }

  /// Whether a journal is of a process that has come.
  bool is_met(std::filesystem::path const& journal) const {
    return std::ranges::any_of(met_,
                               [&](auto rank) { return journal == journal_path(out_, rank); });
  }

  bool any_at_work() const {
    return std::ranges::any_of(ranks_, [&](auto rank) { return is_at_work(rank); });
  }

 private:
  bool is_at_work(std::int64_t rank) const {
    auto const path = journal_path(out_, rank);
    return std::filesystem::exists(path) && !has_ended(path);
  }

  std::filesystem::path out_;
  std::vector<std::int64_t> ranks_;
  std::set<std::int64_t> met_;
};

/// The answers of a run, whichever process and whichever start of it gave them.
class SharedAnswers {
 public:
  /// \param out the folder of the journals  \param header what the answers depend on
  /// \param fresh drops what earlier starts answered
  /// \throws as Journal
  SharedAnswers(std::filesystem::path const& out, nlohmann::json const& header,
                dist::Place const& place, bool fresh)
      : out_(out),
        header_(detail::as_written(header)),
        journal_(fresh ? dropped(out, place) : journal_path(out, place.rank), header_),
        others_(out, place),
        own_(journal_path(out, place.rank)) {
    if (!fresh) known_ = journalled_answers(out_, header_, [](auto const&) { return false; });
  }

  /// \return an earlier start's answer; none if the question is still to be asked
  Said const* find(std::string const& id) const {
    auto const found = known_.find(id);
    return found == known_.end() ? nullptr : &found->second;
  }

  void add(std::string const& id, Said const& said) {
    journal_.add(id, said);
    others_.meet();
  }

  /// Waits until all processes together have answered these questions.
  /// \return the answers in this order
  /// \throws Error if the others ended before; one that was not seen at work has `patience` to
  ///   begin
  std::vector<Said> gathered(std::vector<std::string> const& ids,
                             std::chrono::seconds patience = std::chrono::minutes(10)) {
    auto const began = std::chrono::steady_clock::now();
    while (true) {
      // who is at work is asked first: what the others wrote is then there to be read
      bool const late = std::chrono::steady_clock::now() - began > patience;
      others_.meet();
      bool const alone = (others_.all_met() || late) && !others_.any_at_work();
      auto const answers = journalled_answers(out_, header_, [&](auto const& journal) {
        return journal == own_ || others_.is_met(journal);
      });
      auto const left =
          std::ranges::count_if(ids, [&](auto const& id) { return !answers.contains(id); });
      if (left == 0) {
        std::vector<Said> said;
        for (auto const& id : ids) said.push_back(answers.at(id));
        return said;
      }
      if (alone) {
        throw Error(
            fmt::format("{}: {} questions are left and no other process is answering them; start "
                        "again, and only these will be asked.",
                        out_.string(), left));
      }
      // the journals are read as a whole each time
      auto const waited = std::chrono::steady_clock::now() - began;
      std::this_thread::sleep_for(waited < std::chrono::seconds(5) ? std::chrono::milliseconds(100)
                                                                   : std::chrono::seconds(1));
    }
  }

  /// Removes the journals of all processes, when their answers are written elsewhere.
  void remove() const {
    for (auto const& path : journals(out_)) std::filesystem::remove(path);
  }

 private:
  /// Removes this process's journal, and the first process those that no process of this run
  /// writes. \return the path of this process's
  static std::filesystem::path dropped(std::filesystem::path const& out, dist::Place const& place) {
    auto unwanted = journals(out);
    for (std::int64_t rank = 0; rank < place.processes; ++rank) {
      std::erase(unwanted, journal_path(out, rank));
    }
    if (place.rank != 0) unwanted.clear();
    auto const own = journal_path(out, place.rank);
    unwanted.push_back(own);
    for (auto const& path : unwanted) std::filesystem::remove(path);
    return own;
  }

  std::filesystem::path out_;
  nlohmann::json header_;
  Journal journal_;
  Others others_;
  std::filesystem::path own_;
  std::map<std::string, Said> known_;
};

}  // namespace vcflash::eval
