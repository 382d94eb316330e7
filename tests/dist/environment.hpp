#pragma once

#include <cstdlib>
#include <initializer_list>
#include <string>
#include <utility>

namespace vcflash::test {

/// The variables that launchers set, as a test wants them; without them again afterwards.
class LauncherEnvironment {
 public:
  LauncherEnvironment(std::initializer_list<std::pair<char const*, std::string>> variables) {
    clear();
    for (auto const& [name, value] : variables) ::setenv(name, value.c_str(), 1);
  }
  ~LauncherEnvironment() { clear(); }
  LauncherEnvironment(LauncherEnvironment const&) = delete;
  LauncherEnvironment& operator=(LauncherEnvironment const&) = delete;

 private:
  static void clear() {
    for (char const* const name : {"RANK",
                                   "WORLD_SIZE",
                                   "LOCAL_WORLD_SIZE",
                                   "MASTER_ADDR",
                                   "MASTER_PORT",
                                   "TORCHELASTIC_USE_AGENT_STORE",
                                   "TORCHELASTIC_RESTART_COUNT",
                                   "OMPI_COMM_WORLD_RANK",
                                   "OMPI_COMM_WORLD_SIZE",
                                   "OMPI_COMM_WORLD_LOCAL_SIZE",
                                   "SLURM_PROCID",
                                   "SLURM_NTASKS",
                                   "SLURM_STEP_NUM_TASKS",
                                   "SLURM_STEP_NODELIST",
                                   "SLURM_JOB_NODELIST",
                                   "SLURM_JOB_ID",
                                   "SLURM_STEP_ID",
                                   "LOCAL_RANK",
                                   "OMPI_COMM_WORLD_LOCAL_RANK",
                                   "SLURM_LOCALID"}) {
      ::unsetenv(name);
    }
  }
};

}  // namespace vcflash::test
