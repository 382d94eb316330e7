#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace vcflash {

namespace detail {

/// An amount of memory that the system says of this process, in MiB; 0 where it says none.
inline std::int64_t process_memory_mib(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::strtoll(line.c_str() + name.size(), nullptr, 10) / 1024;
  }
  return 0;
}

}  // namespace detail

/// The memory that this process holds, in MiB.
inline std::int64_t resident_memory_mib() { return detail::process_memory_mib("VmRSS:"); }

/// The most memory that this process has held, in MiB.
inline std::int64_t peak_memory_mib() { return detail::process_memory_mib("VmHWM:"); }

}  // namespace vcflash
