#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <vcflash/eval/journal.hpp>
#include <vcflash/meta/error.hpp>

/// An evaluation that several processes share. A launcher starts them; they meet in the output
/// folder, where each writes a journal of its own and the first gathers them all.
namespace vcflash::eval {

/// Which process of how many this is.
struct Share {
  std::int64_t rank = 0, processes = 1;

  /// As torchrun, Open MPI or Slurm's srun say; alone if none does.
  /// \throws InputError for numbers that cannot be
  static Share from_environment() {
    constexpr std::pair<char const*, char const*> names[] = {
        {"RANK", "WORLD_SIZE"},
        {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
        {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}};
    for (auto const& [rank, size] : names) {
      char const *const told = std::getenv(rank), *const of = std::getenv(size);
      if (told == nullptr || of == nullptr) continue;
      Share const share{std::atoll(told), std::atoll(of)};
      if (share.processes < 1 || share.rank < 0 || share.rank >= share.processes) {
        throw InputError(
            fmt::format("{}={} and {}={} are no process of some.", rank, told, size, of));
      }
      return share;
    }
    return {};
  }

  /// Whether this process asks the questions about the `group`th video.
  bool takes(std::size_t group) const {
    return static_cast<std::int64_t>(group) % processes == rank;
  }
};

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
inline std::map<std::string, Said> journalled_answers(std::filesystem::path const& out,
                                                      nlohmann::json const& header) {
  std::map<std::string, Said> answers;
  for (auto const& path : journals(out)) {
    auto content = detail::read_journal(path);
    if (content.header == header) answers.merge(content.answers);
  }
  return answers;
}

/// Whether the process that wrote a journal has ended.
inline bool has_ended(std::filesystem::path const& journal) {
  int const file = ::open(journal.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  bool const free = ::flock(file, LOCK_EX | LOCK_NB) == 0;
  ::close(file);
  return free;
}

/// Waits until the processes of a run have answered so many questions together.
/// \param missing called with the answers so far: how many questions are left
/// \throws Error if the others ended before; one that was not seen at work has `patience` to begin
template <class Missing>
std::map<std::string, Said> gather_answers(
    std::filesystem::path const& out, nlohmann::json const& header, Share const& share,
    Missing&& missing, std::chrono::seconds patience = std::chrono::minutes(10)) {
  auto const began = std::chrono::steady_clock::now();
  std::set<std::int64_t> met;  // processes that were seen at work
  while (true) {
    // who is at work is asked first: what the others wrote is then there to be read
    std::int64_t at_work = 0, awaited = 0;
    bool const late = std::chrono::steady_clock::now() - began > patience;
    for (std::int64_t rank = 0; rank < share.processes; ++rank) {
      if (rank == share.rank) continue;
      auto const path = journal_path(out, rank);
      if (std::filesystem::exists(path) && !has_ended(path)) {
        met.insert(rank);
        ++at_work;
      } else if (!met.contains(rank) && !late) {
        ++awaited;  // it may have a journal of an earlier run, and not have begun
      }
    }
    auto answers = journalled_answers(out, header);
    auto const left = missing(answers);
    if (left == 0) return answers;
    if (at_work + awaited == 0) {
      throw Error(fmt::format(
          "{}: {} questions are left and no other process is answering them; start again, and only "
          "these will be asked.",
          out.string(), left));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace vcflash::eval
