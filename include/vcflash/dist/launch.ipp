#pragma once

#include <charconv>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/dist/launch.hpp>

namespace vcflash::dist {

namespace detail {

/// A variable's value; empty if there is none.
inline std::string_view variable(char const* name) {
  char const* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

/// A variable that must be a whole number.
inline std::int64_t number_of(char const* name, std::int64_t lowest, std::int64_t highest) {
  auto const text = variable(name);
  std::int64_t number = 0;
  auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size() || number < lowest ||
      number > highest) {
    throw InputError(fmt::format("the environment's {}={} is no whole number from {} to {}.", name,
                                 text, lowest, highest));
  }
  return number;
}

/// The first host of a list as Slurm writes it: `gpu[07-09,12],login` begins with gpu07.
inline std::string first_host(std::string_view list) {
  auto const bracket = list.find('[');
  auto const comma = list.find(',');
  if (bracket == list.npos || comma < bracket) return std::string(list.substr(0, comma));
  auto const inside = list.substr(bracket + 1);
  return fmt::format("{}{}", list.substr(0, bracket),
                     inside.substr(0, inside.find_first_of("-,]")));
}

/// The names of a launcher's variables.
struct Launcher {
  char const *rank, *processes, *here;  ///< `here`: processes on this machine
};

/// What is left of a launcher's variables where one of two is missing: the process would work
/// alone, and so would all the others, into one folder.
inline void require_whole(Launcher const& names) {
  bool const rank = !variable(names.rank).empty();
  auto const* const given = rank ? names.rank : names.processes;
  auto const* const missing = rank ? names.processes : names.rank;
  if (variable(given).empty()) return;
  throw InputError(
      fmt::format("the environment has {}={} but no {}: set both, as a launcher does, or neither "
                  "for one process.",
                  given, variable(given), missing));
}

/// The launcher that started this process, if there is one.
/// \throws InputError if only a part of its variables is there
inline Launcher const* launcher() {
  static constexpr Launcher known[] = {
      {"RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"},
      {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"},
      {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", nullptr}};
  for (auto const& names : known) {
    if (!variable(names.rank).empty() && !variable(names.processes).empty()) return &names;
  }
  for (auto const& names : known) {
    // A batch script of Slurm's has a rank, and belongs to no step.
    if (std::string_view(names.rank) != "SLURM_PROCID") require_whole(names);
  }
  return nullptr;
}

}  // namespace detail

VCFLASH_INLINE Place Place::from_environment() {
  auto const* const names = detail::launcher();
  if (names == nullptr) return {};
  Place place;
  place.processes =
      detail::number_of(names->processes, 1, std::numeric_limits<std::int32_t>::max());
  place.rank = detail::number_of(names->rank, 0, place.processes - 1);
  return place;
}

VCFLASH_INLINE Launch Launch::from_environment() {
  using detail::number_of, detail::variable;
  Launch launch{Place::from_environment()};
  if (launch.alone()) return launch;
  auto const& names = *detail::launcher();
  bool const all_here = names.here != nullptr && !variable(names.here).empty() &&
                        number_of(names.here, 1, launch.processes) == launch.processes;
  bool const slurm = std::string_view(names.rank) == "SLURM_PROCID";
  auto const hosts = variable("SLURM_STEP_NODELIST").empty() ? variable("SLURM_JOB_NODELIST")
                                                             : variable("SLURM_STEP_NODELIST");
  if (!variable("MASTER_ADDR").empty()) {
    launch.address = variable("MASTER_ADDR");
  } else if (slurm && !hosts.empty()) {
    launch.address = detail::first_host(hosts);
  } else if (!all_here) {
    throw InputError(
        fmt::format("{}={} and {}={}, but nothing says where rank 0 runs: set MASTER_ADDR to its "
                    "machine's name.",
                    names.rank, launch.rank, names.processes, launch.processes));
  }
  if (!variable("MASTER_PORT").empty()) {
    launch.port = static_cast<std::uint16_t>(number_of("MASTER_PORT", 1, 65535));
  } else if (slurm && !variable("SLURM_JOB_ID").empty()) {
    // Jobs that share a machine, and steps of one job, meet at different ports, all below those
    // that Linux gives to outgoing connections (32768).
    constexpr auto any = std::numeric_limits<std::int64_t>::max();
    auto const job = number_of("SLURM_JOB_ID", 0, any) % 12000;
    auto const step = variable("SLURM_STEP_ID").empty() ? 0 : number_of("SLURM_STEP_ID", 0, any);
    launch.port = static_cast<std::uint16_t>(20000 + (job + 101 * (step % 12000)) % 12000);
  }
  launch.served = variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
  if (!variable("TORCHELASTIC_RESTART_COUNT").empty()) {
    launch.attempt = variable("TORCHELASTIC_RESTART_COUNT");
  }
  return launch;
}

VCFLASH_INLINE std::int64_t local_rank() {
  for (auto const* name : {"LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"}) {
    if (detail::variable(name).empty()) continue;
    return detail::number_of(name, 0, 127);
  }
  return 0;
}

}  // namespace vcflash::dist
