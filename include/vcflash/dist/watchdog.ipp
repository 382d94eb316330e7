#pragma once

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>
#include <random>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/dist/watchdog.hpp>

namespace vcflash::dist {

VCFLASH_INLINE WatchPost WatchPost::open() {
  WatchPost post;
  std::random_device random;
  post.token = (static_cast<std::uint64_t>(random()) << 32) | random();
  auto const failed = [&](char const* what) {
    throw Error(
        fmt::format("cannot {} a port for the other ranks ({}).", what, std::strerror(errno)));
  };
  auto const listen_at = [&](int family, auto address) {
    post.listener = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (post.listener < 0) return false;
    int const no = 0;
    if (family == AF_INET6) ::setsockopt(post.listener, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    auto* const where = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (::bind(post.listener, where, size) == 0 && ::listen(post.listener, SOMAXCONN) == 0 &&
        ::getsockname(post.listener, where, &size) == 0) {
      if constexpr (requires { address.sin6_port; }) post.port = ntohs(address.sin6_port);
      if constexpr (requires { address.sin_port; }) post.port = ntohs(address.sin_port);
      return true;
    }
    ::close(post.listener);
    return false;
  };
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_addr = in6addr_any;
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(INADDR_ANY);
  if (!listen_at(AF_INET6, six) && !listen_at(AF_INET, four)) failed("open");
  return post;
}

VCFLASH_INLINE std::string WatchPost::text() const { return fmt::format("{} {}", port, token); }

VCFLASH_INLINE WatchPost WatchPost::read(std::string_view text, std::string address) {
  WatchPost post;
  post.address = std::move(address);
  auto const* const end = text.data() + text.size();
  auto const port = std::from_chars(text.data(), end, post.port);
  if (port.ec != std::errc() || port.ptr == end ||
      std::from_chars(port.ptr + 1, end, post.token).ec != std::errc()) {
    throw Error("rank 0 did not say where to meet.");
  }
  return post;
}

namespace detail {

/// A connection to a port of another machine, tried until `deadline`.  \return -1 if none came
inline int connect_to(std::string const& address, std::uint16_t port,
                      std::chrono::steady_clock::time_point deadline,
                      std::atomic<bool> const& stopping) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  while (!stopping && std::chrono::steady_clock::now() < deadline) {
    addrinfo* found = nullptr;
    if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &wanted, &found) == 0) {
      std::unique_ptr<addrinfo, void (*)(addrinfo*)> const owner(found, &::freeaddrinfo);
      for (auto const* at = found; at != nullptr; at = at->ai_next) {
        int const made = ::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (made >= 0 && ::connect(made, at->ai_addr, at->ai_addrlen) == 0) return made;
        if (made >= 0) ::close(made);
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return -1;
}

}  // namespace detail

VCFLASH_INLINE Watchdog::Watchdog(std::int64_t rank, std::int64_t processes,
                                  std::chrono::milliseconds timeout, WatchPost post, OnLost on_lost)
    : rank_(rank),
      processes_(processes),
      timeout_(timeout),
      period_(
          std::clamp(timeout / 20, std::chrono::milliseconds(10), std::chrono::milliseconds(1000))),
      post_(std::move(post)),
      on_lost_(std::move(on_lost)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::thread([this] { work(); });
}

VCFLASH_INLINE Watchdog::~Watchdog() {
  stopping_ = true;
  std::uint64_t const one = 1;
  // If the counter is full, the thread is awake already.
  [[maybe_unused]] auto const written = ::write(wake_, &one, sizeof one);
  if (thread_.joinable()) thread_.join();
  if (post_.listener >= 0) ::close(post_.listener);
  ::close(wake_);
}

VCFLASH_INLINE void Watchdog::leave() { goodbye_ = true; }

VCFLASH_INLINE void Watchdog::wait_begins(std::int64_t number) {
  waiting_since_ = Clock::now().time_since_epoch().count();
  waiting_for_ = number;
}

VCFLASH_INLINE Watchdog::Word Watchdog::own_word(Kind kind) const {
  std::int64_t const number = waiting_for_;
  auto const waited = Clock::now() - Clock::time_point(Clock::duration(waiting_since_.load()));
  auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(waited).count();
  return {post_.token, rank_, kind, How::ended, begun_, number, number > 0 ? ms : 0};
}

VCFLASH_INLINE bool Watchdog::receive(Peer& peer, std::vector<Word>& words) const {
  bool open = true;
  // One piece at a time: whoever sends without end is looked at, and keeps nobody else waiting.
  std::array<char, 4096> chunk;
  auto const count = ::recv(peer.socket, chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (count > 0) {
    peer.received.append(chunk.data(), static_cast<std::size_t>(count));
  } else if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
    open = false;
  }
  std::size_t at = 0;
  for (; peer.received.size() - at >= sizeof(Word); at += sizeof(Word)) {
    Word word;
    std::memcpy(&word, peer.received.data() + at, sizeof word);
    if (word.token != post_.token || word.rank < 0 || word.rank >= processes_) return false;
    words.push_back(word);
  }
  peer.received.erase(0, at);
  return open;
}

VCFLASH_INLINE void Watchdog::send(Peer const& peer, Word const& word) const {
  if (peer.socket < 0) return;
  // One that takes nothing any more is missed soon, for what it does not say itself.
  [[maybe_unused]] auto const sent =
      ::send(peer.socket, &word, sizeof word, MSG_NOSIGNAL | MSG_DONTWAIT);
}

VCFLASH_INLINE void Watchdog::pause(std::vector<int> const& sockets) const {
  std::vector<pollfd> watched{{wake_, POLLIN, 0}};
  for (int const socket : sockets) {
    if (socket >= 0) watched.push_back({socket, POLLIN, 0});
  }
  ::poll(watched.data(), watched.size(), static_cast<int>(period_.count()));
}

VCFLASH_INLINE void Watchdog::lose(std::int64_t rank, How how) {
  auto const seconds = static_cast<double>(timeout_.count()) / 1000;
  std::string what;
  switch (how) {
    case How::ended:
      what = "has ended";
      break;
    case How::silent:
      what = fmt::format("gives no sign of life (dist.timeout is {:g} s)", seconds);
      break;
    case How::behind:
      what = fmt::format("does not come to where the others wait for it (dist.timeout is {:g} s)",
                         seconds);
      break;
  }
  std::int64_t const step = step_;
  auto const where = step > 0 ? fmt::format("in step {}", step) : std::string("before step 1");
  on_lost_(
      fmt::format("rank {} of {} {}, {}; rank {} ends, too: start all again to go on from the "
                  "last checkpoint.",
                  rank, processes_, what, where, rank_));
}

VCFLASH_INLINE void Watchdog::work() {
  if (rank_ == 0) {
    watch_as_first();
  } else {
    watch_the_first();
  }
}

VCFLASH_INLINE void Watchdog::accept_one(std::vector<Peer>& strangers) const {
  constexpr std::size_t most = 4096;  // whoever they are
  int const socket = ::accept4(post_.listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) return;
  if (strangers.size() >= most) {
    ::close(socket);
    return;
  }
  strangers.push_back({.socket = socket, .heard = Clock::now()});
}

VCFLASH_INLINE void Watchdog::watch_as_first() {
  auto const silence = timeout_ * 7 / 10;
  std::vector<Peer> peers(static_cast<std::size_t>(processes_)), strangers;
  for (auto& peer : peers) peer.heard = Clock::now();
  peers[0].known = true;
  auto const lost = [&](std::int64_t rank, How how) {
    Word word = own_word(Kind::lost);
    word.rank = rank;
    word.how = how;
    for (auto const& peer : peers) send(peer, word);
    lose(rank, how);
  };
  bool named = false;
  auto spoken = Clock::time_point();
  while (!stopping_ && !named) {
    std::vector<int> sockets{post_.listener};
    for (auto const* group : {&peers, &strangers}) {
      for (auto const& peer : *group) sockets.push_back(peer.socket);
    }
    pause(sockets);
    auto const now = Clock::now();
    accept_one(strangers);
    // A stranger's first word says who it is.
    for (std::size_t i = 0; i < strangers.size();) {
      std::vector<Word> words;
      bool const open = receive(strangers[i], words);
      bool const fits = !words.empty() && words.front().rank > 0 &&
                        !peers[static_cast<std::size_t>(words.front().rank)].known;
      if (!fits && open && words.empty() && now - strangers[i].heard < timeout_) {
        ++i;
        continue;
      }
      if (fits) {
        auto& peer = peers[static_cast<std::size_t>(words.front().rank)];
        peer = std::move(strangers[i]);
        peer.known = true;
        peer.heard = now;
        peer.last = words.back();
      } else {
        ::close(strangers[i].socket);
      }
      strangers.erase(strangers.begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (std::int64_t rank = 1; rank < processes_ && !named; ++rank) {
      auto& peer = peers[static_cast<std::size_t>(rank)];
      if (peer.gone) continue;
      bool open = true;
      if (peer.socket >= 0) {
        std::vector<Word> words;
        open = receive(peer, words);
        if (!words.empty()) {
          peer.heard = now;
          peer.last = words.back();
        }
      }
      if (peer.known && peer.last.kind == Kind::goodbye) {
        peer.gone = true;
        ::close(std::exchange(peer.socket, -1));
      } else if (!open || now - peer.heard > silence) {
        named = true;
        lost(rank, open ? How::silent : How::ended);
      }
    }
    // Someone waits for long: who has not begun what it waits for?
    peers[0].last = own_word(Kind::alive);
    for (auto const& waiting : peers) {
      if (named || waiting.last.waiting_for == 0 ||
          std::chrono::milliseconds(waiting.last.waiting_ms) < timeout_ * 8 / 10) {
        continue;
      }
      auto const behind = std::ranges::find_if(peers, [&](Peer const& peer) {
        return peer.known && !peer.gone && peer.last.begun < waiting.last.waiting_for;
      });
      if (behind == peers.end()) continue;
      named = true;
      lost(behind - peers.begin(), How::behind);
    }
    if (!named) named = waited_too_long();
    if (now - spoken >= period_ / 2) {
      spoken = now;
      for (auto const& peer : peers) send(peer, own_word(Kind::alive));
    }
  }
  for (auto const& peer : peers) {
    if (goodbye_) send(peer, own_word(Kind::goodbye));
    if (peer.socket >= 0) ::close(peer.socket);
  }
  for (auto const& stranger : strangers) ::close(stranger.socket);
}

VCFLASH_INLINE void Watchdog::watch_the_first() {
  auto const silence = timeout_ * 7 / 10;
  Peer first{.heard = Clock::now()};
  first.socket = detail::connect_to(post_.address, post_.port, first.heard + silence, stopping_);
  if (first.socket < 0) {
    if (!stopping_) lose(0, How::silent);
    return;
  }
  auto spoken = Clock::time_point();
  for (bool named = false; !stopping_ && !named;) {
    auto const now = Clock::now();
    if (now - spoken >= period_ / 2) {
      spoken = now;
      send(first, own_word(Kind::alive));
    }
    pause({first.socket});
    std::vector<Word> words;
    bool const open = receive(first, words);
    if (!words.empty()) first.heard = Clock::now();
    auto const told =
        std::ranges::find_if(words, [](Word const& word) { return word.kind != Kind::alive; });
    if (told != words.end()) {
      named = true;
      if (told->kind == Kind::lost) lose(told->rank, told->how);
    } else if (!open || Clock::now() - first.heard > silence) {
      named = true;
      lose(0, open ? How::silent : How::ended);
    } else {
      named = waited_too_long();
    }
  }
  if (goodbye_) send(first, own_word(Kind::goodbye));
  ::close(first.socket);
}

VCFLASH_INLINE bool Watchdog::waited_too_long() {
  if (std::chrono::milliseconds(own_word(Kind::alive).waiting_ms) < timeout_) return false;
  on_lost_(
      fmt::format("rank {} waited {:g} s for the other ranks in step {}, although all of them "
                  "are there; it ends.",
                  rank_, static_cast<double>(timeout_.count()) / 1000, step_.load()));
  return true;
}

}  // namespace vcflash::dist
