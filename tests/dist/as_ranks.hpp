#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include <vcflash/dist/process_group.hpp>

#include "tests/dist/free_port.hpp"

namespace vcflash::test {

/// LibTorch records the latest collectives of a process without a lock, which is not made for
/// several ranks in one.
inline bool const without_recorder = setenv("TORCH_FR_BUFFER_SIZE", "0", 1) == 0;

/// Runs `body(group)` as each of `size` ranks, in threads of this process.
/// \return what each rank failed for; empty: nothing
template <class Body>
std::vector<std::string> as_ranks(std::int64_t size, std::chrono::milliseconds timeout, Body body) {
  auto const port = free_port();
  std::vector<std::string> failures(static_cast<std::size_t>(size));
  std::vector<std::thread> ranks;
  for (std::int64_t rank = 0; rank < size; ++rank) {
    ranks.emplace_back([&, rank] {
      auto& failure = failures[static_cast<std::size_t>(rank)];
      try {
        dist::ProcessGroup group({{.rank = rank, .processes = size}, "127.0.0.1", port}, timeout,
                                 [&](std::string const& sentence) { failure = sentence; });
        body(group);
        group.finish();
      } catch (std::exception const& error) {
        if (failure.empty()) failure = error.what();
      }
    });
  }
  for (auto& rank : ranks) rank.join();
  return failures;
}

}  // namespace vcflash::test
