#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/dist/launch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <c10/core/Device.h>

namespace vcflash::dist {

namespace detail {
/// The first two lines of what LibTorch says, as one, without what it says about its own sources:
/// NCCL's second line has the reason.
std::string reason_of(std::exception const& error);
}  // namespace detail

/// A collective that was begun. The tensors it works on stay alive, and must be left alone until
/// `wait` returns.
class Pending {
 public:
  struct Impl;

  Pending();
  explicit Pending(std::unique_ptr<Impl> impl);
  Pending(Pending&&) noexcept;
  Pending& operator=(Pending&&) noexcept;
  ~Pending();

  /// Whether there is something to wait for.
  explicit operator bool() const { return impl_ != nullptr; }

  /// Whether it has ended, so that `wait` returns at once.
  bool done() const;

  /// Waits for the end, which every rank must come to.
  void wait();

 private:
  std::unique_ptr<Impl> impl_;
};

/// So many processes of which one exists. Its collectives leave all tensors as they are, which is
/// enough where tensors have no values (train/plan.hpp); nobody waits for them, and they take the
/// memory of real ones.
struct Pretended {
  std::int64_t processes = 1;
};

/// The processes of one task, each with its rank, over c10d: NCCL for tensors on a GPU, Gloo for
/// those in the computer's memory. Every rank calls the same collectives in the same order, with
/// tensors of the same size and dtype, from one thread. Every wait is bounded: if another rank is
/// gone or does not come, the process ends with a sentence that names it.
class ProcessGroup {
 public:
  /// How a process ends that cannot go on; must not return.
  using Leave = std::function<void(std::string const& sentence)>;

  /// Meets the others. From here on, whatever thread of the process a back end fails in, that ends
  /// in a sentence.
  /// \param timeout of every wait for another rank, this one included
  /// \param device that the tensors of this process are on
  /// \throws Error naming who did not come
  ProcessGroup(Launch launch, std::chrono::milliseconds timeout, Leave leave = exit_saying,
               at::Device device = at::kCPU);

  /// Rank 0 of processes that are not there.
  explicit ProcessGroup(Pretended pretended);

  /// Without `finish` before it, the other ranks end, too.
  ~ProcessGroup();
  ProcessGroup(ProcessGroup const&) = delete;
  ProcessGroup& operator=(ProcessGroup const&) = delete;

  std::int64_t rank() const { return launch_.rank; }
  std::int64_t size() const { return launch_.processes; }

  /// Whether this is the rank that writes and speaks.
  bool first() const { return rank() == 0; }

  /// Sums a contiguous tensor over all ranks, in place.
  [[nodiscard]] Pending all_reduce(Tensor const& tensor);

  /// Puts every rank's `part` into `whole`, rank after rank.
  /// \param whole [size() * n], contiguous  \param part [n], contiguous, not of `whole`
  [[nodiscard]] Pending all_gather(Tensor const& whole, Tensor const& part);

  /// Gives every rank the contiguous tensor of rank 0.
  [[nodiscard]] Pending broadcast(Tensor const& tensor);

  /// Numbers summed over all ranks, in double precision.
  std::vector<double> sum(std::vector<double> numbers);

  /// Every rank's number, rank after rank.
  std::vector<double> gather(double own);

  /// Every rank's text, rank after rank.
  std::vector<std::string> gather_text(std::string_view own);

  /// Whether it is so for any rank.
  bool any(bool here) { return sum({here ? 1.0 : 0.0})[0] > 0; }

  /// Waits until all ranks are here.
  void barrier() { sum({0.0}); }

  /// What the run is at; a sentence about a missing rank says it.
  void at_step(std::int64_t step);

  /// Seconds that this rank spent waiting for collectives so far.
  double seconds_waited() const;

  /// Has this process end with a reason of its own, whatever else is heard of other ranks from now
  /// on.
  void fails_itself();

  /// All ranks are done: waits for them and says goodbye. The group is not used afterwards.
  void finish();

  /// Writes the sentence to stderr and ends the process with code 1, at once: what still waits for
  /// a missing rank would not end.
  [[noreturn]] static void exit_saying(std::string const& sentence);

  struct Impl;

 private:
  Launch launch_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vcflash::dist

#ifndef VCFLASH_SEPARATE
#include <vcflash/dist/process_group.ipp>
#endif
