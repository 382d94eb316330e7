#pragma once

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/dist/process_group.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

/// What the ranks of a run tell each other beside tensors: that one was asked to stop, that one
/// failed, that they were told the same.
namespace vcflash::train {

namespace detail {

/// Why `f` failed, whatever it threw: a healthy run outlives it. Empty: it did not.
template <class F>
std::string failure_of(F&& f) {
  try {
    f();
  } catch (std::exception const& error) {
    return error.what();
  }
  return {};
}

}  // namespace detail

/// What failed on any rank, in one sentence: a rank's own, else the first other's with its rank.
/// Every rank calls it. \param own empty: nothing failed here  \param group none: one process
std::string failure_of_any(dist::ProcessGroup* group, std::string const& own);

/// Names and values that must be the same on all ranks.
using Facts = std::vector<std::pair<std::string, std::string>>;

/// \throws InputError on every rank if one was told something else than rank 0, naming both values
void require_same_facts(dist::ProcessGroup& group, Facts const& own);

/// What one rank says after a step.
struct OwnState {
  bool asked = false;     ///< to stop
  bool busy = false;      ///< writing a checkpoint
  bool due = false;       ///< a checkpoint, by rank 0's clock
  std::string failure{};  ///< empty: none
};

/// Decides for all ranks of a run together. Every rank calls everything in the same order.
class Agreement {
 public:
  /// \param group none: one process
  explicit Agreement(dist::ProcessGroup* group) : group_(group) {}

  /// Between two micro batches: whether to give the step up. With several ranks the answer is that
  /// of the call before, so that a rank which is ahead by one micro batch does not wait.
  bool stop(bool here);

  /// At once: whether any rank failed.
  bool any_failed(bool here);

  /// After a step: what all ranks do next.
  OwnState after_step(OwnState const& own);

 private:
  /// Takes the answer that is still on its way.
  bool take();

  dist::ProcessGroup* group_;
  Tensor vote_;
  dist::Pending pending_;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/agreement.ipp>
#endif
