#pragma once

#include <unistd.h>

#include <cstdint>

#include <vcflash/dist/watchdog.hpp>

namespace vcflash::test {

/// A port that nobody listens at.
inline std::uint16_t free_port() {
  auto const post = dist::WatchPost::open();
  ::close(post.listener);
  return post.port;
}

}  // namespace vcflash::test
