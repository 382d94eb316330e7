#pragma once

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include <vcflash/checkpoint/atomic.hpp>

namespace vcflash::app {

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

using checkpoint::make_folder;

}  // namespace vcflash::app
