#pragma once

#include <cstdint>
#include <string>

#include <vcflash/meta/separate.hpp>

/// Several processes that work on one task: how they find each other, what they say to each other
/// and how each notices that another is gone.
namespace vcflash::dist {

/// Which process of how many a launcher says this is.
struct Place {
  std::int64_t rank = 0, processes = 1;

  /// Reads torchrun's variables (`RANK`, `WORLD_SIZE`), Open MPI's (`OMPI_COMM_WORLD_…`) or those
  /// of a step of Slurm's (`SLURM_PROCID`, `SLURM_STEP_NUM_TASKS`), whichever are there; with none
  /// of them this process is alone, as a batch script of Slurm's is.
  /// \throws InputError for numbers that cannot be, or a rank without a number of processes and the
  ///         other way round
  static Place from_environment();

  /// Whether no other process belongs to this one.
  bool alone() const { return processes == 1; }
};

/// What a launcher told this process: which one of how many it is, and where all meet.
struct Launch : Place {
  std::string address = "127.0.0.1";  ///< of the machine that rank 0 runs on
  std::uint16_t port = 29500;
  bool served = false;  ///< the launcher serves the store there (torchrun's agent), not rank 0
  std::string attempt = "0";  ///< tells a restart by the launcher from the start before it

  /// This process's place, and where the launcher says that all meet; `MASTER_ADDR` and
  /// `MASTER_PORT` go before what Slurm says.
  /// \throws InputError for numbers that cannot be, or if nothing says where rank 0 runs
  static Launch from_environment();
};

/// The rank of this process among those that its launcher started on this machine
/// (`LOCAL_RANK`, `OMPI_COMM_WORLD_LOCAL_RANK` or `SLURM_LOCALID`); 0 without a launcher.
/// \throws InputError for a number that cannot be
std::int64_t local_rank();

}  // namespace vcflash::dist

#ifndef VCFLASH_SEPARATE
#include <vcflash/dist/launch.ipp>
#endif
