#pragma once

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#include <torch/version.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef VCFLASH_CUDA
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/dist/process_group.hpp>
#include <vcflash/dist/watchdog.hpp>
#include <vcflash/tensor/aten.hpp>

namespace vcflash::dist {

#if defined(__GLIBCXX__) && TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR == 11
// Gloo's headers are not in LibTorch's wheel; ours declare what this class is made of.
static_assert(sizeof(c10d::ProcessGroupGloo) == 488,
              "gloo_declarations/ no longer fits LibTorch's ProcessGroupGloo");
#endif

namespace detail {

/// Ends the process if what it is around does not end in time: a store whose server is stopped
/// answers no request and keeps no time-out.
class Deadline {
 public:
  Deadline(std::chrono::milliseconds time, std::string sentence, ProcessGroup::Leave const& leave)
      : thread_([this, time, sentence = std::move(sentence), &leave] {
          std::unique_lock lock(guard_);
          if (!over_.wait_for(lock, time, [this] { return done_; })) leave(sentence);
        }) {}
  ~Deadline() {
    {
      std::scoped_lock const lock(guard_);
      done_ = true;
    }
    over_.notify_all();
    thread_.join();
  }
  Deadline(Deadline const&) = delete;
  Deadline& operator=(Deadline const&) = delete;

 private:
  std::mutex guard_;
  std::condition_variable over_;
  bool done_ = false;
  std::thread thread_;
};

VCFLASH_INLINE std::string reason_of(std::exception const& error) {
  std::string_view text = error.what();
  if (auto const own = text.find("] "); text.starts_with("[") && own != text.npos) {
    text.remove_prefix(own + 2);
  }
  auto const end = text.find('\n');
  std::string reason(text.substr(0, end));
  if (end == text.npos) return reason;
  auto second = text.substr(end + 1);
  second = second.substr(0, second.find('\n'));
  // Below it comes where in LibTorch's sources that was.
  if (second.empty() || second.starts_with("Exception raised from")) return reason;
  return reason + " " + std::string(second);
}

/// Whether what a back end says may come of another rank's end.
inline bool tells_of_a_connection(std::string_view reason) {
  for (std::string_view const word :
       {"onnection", "closed by peer", "emote", "imed out", "imeout", "socket", "Socket"}) {
    if (reason.find(word) != reason.npos) return true;
  }
  return false;
}

/// Has what a back end throws in a thread of its own, where nobody can catch it, end the process in
/// a sentence instead of an abort.
inline void end_in_sentences() {
  [[maybe_unused]] static bool const once = [] {
    std::set_terminate([] {
      try {
        if (auto const error = std::current_exception()) std::rethrow_exception(error);
      } catch (std::exception const& error) {
        ProcessGroup::exit_saying(fmt::format(
            "the ranks do not fit each other, or LibTorch failed: {}", reason_of(error)));
      } catch (...) {
      }
      std::abort();
    });
    return true;
  }();
}

inline std::vector<std::uint8_t> bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

inline std::string text_of(std::vector<std::uint8_t> const& bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace detail

struct ProcessGroup::Impl {
  std::chrono::milliseconds timeout;
  Leave leave;
  double waited = 0;
  std::int64_t pretended = 0;  ///< collectives that were begun with nobody else
  std::atomic<bool> told = false;
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::Backend> host, gpu;  ///< of tensors there; `gpu` may be none
  // Goes first: the backend's destructor waits for collectives that only the others' end ends.
  std::optional<Watchdog> watchdog;

  /// All that this process says about its end; the first of two threads says it. A rank that fails
  /// for a reason of its own is left the time to say that one.
  void end(std::string const& sentence) {
    auto const until =
        std::chrono::steady_clock::now() + std::min(timeout / 10, std::chrono::milliseconds(1000));
    while (!told && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (!told.exchange(true)) leave(sentence);
  }

  /// Runs what throws when another rank is gone. Who that is, the watchdog finds out. What a back
  /// end says for a reason of its own is told at once.
  template <class F>
  void guarded(F&& f) {
    try {
      f();
    } catch (std::exception const& error) {
      auto const reason = detail::reason_of(error);
      // The connection of a collective breaks sooner than the watchdog hears who is gone.
      auto const longest = detail::tells_of_a_connection(reason)
                               ? timeout * 9 / 10
                               : std::min(timeout / 10, std::chrono::milliseconds(2000));
      auto const until = std::chrono::steady_clock::now() + longest;
      while (!told && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      auto const sentence = fmt::format("working with the other ranks failed in step {}: {}",
                                        watchdog->step(), reason);
      end(sentence);
      throw Error(sentence);
    }
  }

  Pending begin(c10::intrusive_ptr<c10d::Work> work);

  enum class Scratch { none, as_the_tensor };

  /// Begins what `collective(backend)` is with a tensor's backend, if the others exist.
  /// \param scratch memory that it takes until it was waited for
  template <class Collective>
  Pending begin_guarded(Tensor const& tensor, Collective&& collective,
                        Scratch scratch = Scratch::none);
};

namespace detail {

/// A collective that nobody else belongs to.
struct EndedWork : c10d::Work {
  explicit EndedWork(Tensor scratch = {}) : scratch(std::move(scratch)) { finish(); }
  Tensor scratch;  ///< memory that it takes until it was waited for
};

}  // namespace detail

struct Pending::Impl {
  ProcessGroup::Impl& group;
  c10::intrusive_ptr<c10d::Work> work;
  std::int64_t number;
};

VCFLASH_INLINE Pending::Pending() = default;
VCFLASH_INLINE Pending::Pending(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VCFLASH_INLINE Pending::Pending(Pending&&) noexcept = default;
VCFLASH_INLINE Pending& Pending::operator=(Pending&&) noexcept = default;
VCFLASH_INLINE Pending::~Pending() = default;

VCFLASH_INLINE bool Pending::done() const {
  if (!impl_) return true;
  // With nobody else, one collective is under way until the next begins.
  if (!impl_->group.host) return impl_->number < impl_->group.pretended;
  return impl_->work->isCompleted();
}

VCFLASH_INLINE void Pending::wait() {
  if (!impl_) return;
  auto& group = impl_->group;
  auto const begin = std::chrono::steady_clock::now();
  if (group.watchdog) group.watchdog->wait_begins(impl_->number);
  group.guarded([&] { impl_->work->wait(); });
  if (group.watchdog) group.watchdog->wait_ends();
  group.waited += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  impl_.reset();
}

VCFLASH_INLINE Pending ProcessGroup::Impl::begin(c10::intrusive_ptr<c10d::Work> work) {
  auto const number = watchdog ? watchdog->begin() : ++pretended;
  return Pending(std::make_unique<Pending::Impl>(Pending::Impl{*this, std::move(work), number}));
}

template <class Collective>
Pending ProcessGroup::Impl::begin_guarded(Tensor const& tensor, Collective&& collective,
                                          Scratch scratch) {
  if (!host) {
    return begin(c10::make_intrusive<detail::EndedWork>(
        scratch == Scratch::as_the_tensor ? aten::empty_like(tensor) : Tensor()));
  }
  Pending begun;
  guarded([&] { begun = begin(collective(tensor.is_cpu() ? *host : *gpu)); });
  return begun;
}

VCFLASH_INLINE void ProcessGroup::exit_saying(std::string const& sentence) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, sentence.c_str());
  std::fflush(stderr);
  std::_Exit(Error::exit_code);
}

VCFLASH_INLINE ProcessGroup::ProcessGroup(Launch launch, std::chrono::milliseconds timeout,
                                          Leave leave, [[maybe_unused]] at::Device device)
    : launch_(std::move(launch)), impl_(std::make_unique<Impl>()) {
  impl_->timeout = timeout;
  impl_->leave = std::move(leave);
  auto const place = fmt::format("{}:{}", launch_.address, launch_.port);
  auto const seconds = static_cast<double>(timeout.count()) / 1000;
  detail::end_in_sentences();
  std::optional<detail::Deadline> deadline;
  deadline.emplace(
      timeout,
      fmt::format("rank {} of {} did not meet rank 0 at {} within {:g} s (dist.timeout).", rank(),
                  size(), place, seconds),
      impl_->leave);
  try {
    c10d::TCPStoreOptions options;
    options.port = launch_.port;
    options.isServer = first() && !launch_.served;
    options.waitWorkers = false;
    options.timeout = timeout * 9 / 10;
    auto const server = c10::make_intrusive<c10d::TCPStore>(launch_.address, options);
    impl_->store = c10::make_intrusive<c10d::PrefixStore>("vcflash/" + launch_.attempt, server);
  } catch (std::exception const& error) {
    throw Error(fmt::format("rank {} of {} cannot {} {}: {}", rank(), size(),
                            first() && !launch_.served ? "open" : "reach rank 0 at", place,
                            detail::reason_of(error)));
  }
  auto& store = *impl_->store;
  WatchPost post;
  std::string missing;
  if (first()) {
    auto const until = std::chrono::steady_clock::now() + timeout * 8 / 10;
    for (std::int64_t other = 1; other < size() && missing.empty(); ++other) {
      auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
          until - std::chrono::steady_clock::now());
      try {
        store.wait({fmt::format("here/{}", other)}, std::max(left, std::chrono::milliseconds(1)));
      } catch (std::exception const&) {
        missing = fmt::format("rank {} of {} did not come to {} within {:g} s (dist.timeout).",
                              other, size(), place, seconds);
      }
    }
    post = WatchPost::open();
    store.set("all here", detail::bytes_of(missing.empty() ? post.text() : "! " + missing));
  } else {
    std::string told;
    try {
      store.set(fmt::format("here/{}", rank()), detail::bytes_of("yes"));
      store.wait({"all here"}, timeout);
      told = detail::text_of(store.get("all here"));
    } catch (std::exception const& error) {
      throw Error(fmt::format("rank 0 of {} went away from {} before all were there: {}", size(),
                              place, detail::reason_of(error)));
    }
    if (told.starts_with("! ")) missing = told.substr(2);
    if (missing.empty()) post = WatchPost::read(told, launch_.address);
  }
  if (!missing.empty()) {
    // The others read it from here.
    if (first()) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    throw Error(missing);
  }
  deadline.reset();  // they have met; from here on the watchdog watches
  impl_->watchdog.emplace(
      rank(), size(), timeout, post,
      [impl = impl_.get()](std::string const& sentence) { impl->end(sentence); });
  impl_->guarded([&] {
    impl_->host = c10::make_intrusive<c10d::ProcessGroupGloo>(
        impl_->store, static_cast<int>(rank()), static_cast<int>(size()),
        c10d::ProcessGroupGloo::Options::create_default(timeout));
#ifdef VCFLASH_CUDA
    if (device.is_cpu()) return;
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = timeout;
    impl_->gpu = c10::make_intrusive<c10d::ProcessGroupNCCL>(
        c10::make_intrusive<c10d::PrefixStore>("nccl", impl_->store), static_cast<int>(rank()),
        static_cast<int>(size()), std::move(options));
#endif
  });
}

VCFLASH_INLINE ProcessGroup::ProcessGroup(Pretended pretended)
    : launch_{{.rank = 0, .processes = pretended.processes}}, impl_(std::make_unique<Impl>()) {}

VCFLASH_INLINE ProcessGroup::~ProcessGroup() {
  fails_itself();  // whoever destroys it goes on, or says why not
}

VCFLASH_INLINE Pending ProcessGroup::all_reduce(Tensor const& tensor) {
  return impl_->begin_guarded(tensor, [&](c10d::Backend& backend) {
    std::vector<Tensor> tensors{tensor};
    return backend.allreduce(tensors);
  });
}

VCFLASH_INLINE Pending ProcessGroup::all_gather(Tensor const& whole, Tensor const& part) {
  // Gloo gathers into memory of its own first.
  return impl_->begin_guarded(
      whole,
      [&](c10d::Backend& backend) {
        Tensor out = whole, in = part;
        return backend._allgather_base(out, in);
      },
      Impl::Scratch::as_the_tensor);
}

VCFLASH_INLINE Pending ProcessGroup::broadcast(Tensor const& tensor) {
  return impl_->begin_guarded(tensor, [&](c10d::Backend& backend) {
    std::vector<Tensor> tensors{tensor};
    return backend.broadcast(tensors);
  });
}

VCFLASH_INLINE std::vector<double> ProcessGroup::sum(std::vector<double> numbers) {
  Tensor const tensor = aten::empty({static_cast<std::int64_t>(numbers.size())}, at::kDouble);
  std::copy(numbers.begin(), numbers.end(), tensor.mutable_data_ptr<double>());
  all_reduce(tensor).wait();
  auto const* const summed = tensor.const_data_ptr<double>();
  std::copy(summed, summed + numbers.size(), numbers.begin());
  return numbers;
}

VCFLASH_INLINE std::vector<double> ProcessGroup::gather(double own) {
  std::vector<double> numbers(static_cast<std::size_t>(size()), 0.0);
  numbers[static_cast<std::size_t>(rank())] = own;
  return sum(std::move(numbers));
}

VCFLASH_INLINE std::vector<std::string> ProcessGroup::gather_text(std::string_view own) {
  auto const ranks = static_cast<std::size_t>(size());
  auto const lengths = gather(static_cast<double>(own.size()));
  auto const most = static_cast<std::int64_t>(std::ranges::max(lengths));
  std::vector<std::string> texts(ranks);
  if (most == 0) return texts;
  Tensor const part = aten::zeros({most}, at::kByte),
               whole = aten::empty({most * size()}, at::kByte);
  std::ranges::copy(own, part.mutable_data_ptr<std::uint8_t>());
  all_gather(whole, part).wait();
  for (std::size_t r = 0; r < ranks; ++r) {
    auto const* const begin =
        whole.const_data_ptr<std::uint8_t>() + static_cast<std::int64_t>(r) * most;
    texts[r].assign(begin, begin + static_cast<std::size_t>(lengths[r]));
  }
  return texts;
}

VCFLASH_INLINE void ProcessGroup::at_step(std::int64_t step) {
  if (impl_->watchdog) impl_->watchdog->at_step(step);
}

VCFLASH_INLINE double ProcessGroup::seconds_waited() const { return impl_->waited; }

VCFLASH_INLINE void ProcessGroup::fails_itself() { impl_->told = true; }

VCFLASH_INLINE void ProcessGroup::finish() {
  barrier();
  if (impl_->gpu) impl_->gpu->shutdown();
  impl_->watchdog->leave();
}

}  // namespace vcflash::dist
