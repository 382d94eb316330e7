#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include <vcflash/meta/error.hpp>

namespace vcflash::app {

/// The most memory that this process has held, in MiB; 0 where the system does not say.
inline std::int64_t peak_memory_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtoll(line.c_str() + 6, nullptr, 10) / 1024;
  }
  return 0;
}

/// "2 cores, Some CPU @ 2.5 GHz".
inline std::string machine_name() {
  std::string model;
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; model.empty() && std::getline(info, line);) {
    auto const colon = line.find(": ");
    if (line.starts_with("model name") && colon != line.npos) model = line.substr(colon + 2);
  }
  unsigned const cores = std::max(1U, std::thread::hardware_concurrency());
  return fmt::format("{} core{}{}{}", cores, cores == 1 ? "" : "s", model.empty() ? "" : ", ",
                     model);
}

/// \throws Error if the folder cannot be made
inline void make_folder(std::filesystem::path const& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw Error(
        fmt::format("{}: the folder cannot be made ({}).", folder.string(), error.message()));
  }
}

}  // namespace vcflash::app
