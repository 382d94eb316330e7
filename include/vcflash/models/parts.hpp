#pragma once

#include <vcflash/tensor/tensor.hpp>

#include <cstddef>
#include <string_view>

/// What works on a batch in turn: the parts of a network, and what makes a loss of their output.
namespace vcflash {

enum class Part { encoder, connector, llm, loss };
inline constexpr std::size_t part_count = 4;

constexpr std::string_view name_of(Part part) {
  switch (part) {
    case Part::encoder:
      return "encoder";
    case Part::connector:
      return "connector";
    case Part::llm:
      return "llm";
    case Part::loss:
      return "loss";
  }
  return "unknown";
}

/// Follows a batch from part to part, and its gradient back.
class PartObserver {
 public:
  PartObserver() = default;
  PartObserver(PartObserver const&) = delete;
  PartObserver& operator=(PartObserver const&) = delete;
  virtual ~PartObserver() = default;

  /// \param x what `from` gives and `to` takes next  \return the same values
  virtual Tensor passing(Part from, Part to, Tensor const& x) = 0;

  /// This thread's; none, unless a step is planned.
  static inline thread_local PartObserver* current = nullptr;
};

/// Tells who follows the batch, if someone does.
inline Tensor passing(Part from, Part to, Tensor const& x) {
  auto* const observer = PartObserver::current;
  return observer == nullptr ? x : observer->passing(from, to, x);
}

}  // namespace vcflash
