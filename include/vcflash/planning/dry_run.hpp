#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <vcflash/meta/separate.hpp>
#include <vcflash/models/parts.hpp>
#include <vcflash/tensor/tensor.hpp>

/// What work on LibTorch's `meta` device would take: tensors have shapes there and no memory.
namespace vcflash::planning {

/// What memory is for.
enum class Purpose { weights, gradients, optimizer, activations, batch };
inline constexpr std::size_t purpose_count = 5;

constexpr std::string_view name_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::weights:
      return "weights";
    case Purpose::gradients:
      return "gradients";
    case Purpose::optimizer:
      return "optimizer";
    case Purpose::activations:
      return "activations";
    case Purpose::batch:
      return "batch";
  }
  return "unknown";
}

/// What a step is doing. Layers that are checkpointed run again in the backward pass.
enum class Pass { forward, recomputation, backward, optimizer };
inline constexpr std::size_t pass_count = 4;

constexpr std::string_view name_of(Pass pass) {
  switch (pass) {
    case Pass::forward:
      return "forward";
    case Pass::recomputation:
      return "recomputation";
    case Pass::backward:
      return "backward";
    case Pass::optimizer:
      return "optimizer";
  }
  return "unknown";
}

/// Amounts by part, and by a second category before it.
template <class Number, class Category, std::size_t Categories>
struct ByPart {
  std::array<std::array<Number, part_count>, Categories> amounts{};

  Number& operator()(Category category, Part part) {
    return amounts[static_cast<std::size_t>(category)][static_cast<std::size_t>(part)];
  }
  Number operator()(Category category, Part part) const {
    return amounts[static_cast<std::size_t>(category)][static_cast<std::size_t>(part)];
  }
  Number of(Category category) const {
    Number sum = 0;
    for (auto const amount : amounts[static_cast<std::size_t>(category)]) sum += amount;
    return sum;
  }
  Number of(Part part) const {
    Number sum = 0;
    for (auto const& category : amounts) sum += category[static_cast<std::size_t>(part)];
    return sum;
  }
  Number total() const {
    Number sum = 0;
    for (std::size_t part = 0; part < part_count; ++part) sum += of(static_cast<Part>(part));
    return sum;
  }
};

/// Bytes.
using MemoryUse = ByPart<std::int64_t, Purpose, purpose_count>;

/// Floating-point operations of matrix products, two for each multiplication and addition. Causal
/// attention counts the half of the scores that it needs.
using Work = ByPart<double, Pass, pass_count>;

/// Elements that stand in one piece of memory, by part.
using PartElements = std::array<std::int64_t, part_count>;

/// Counts what this thread does on the `meta` device while it exists: live bytes and their peak, by
/// purpose and part, and the operations of matrix products, by pass and part. Operations that
/// LibTorch lacks on that device, or does there in another way than on the CPU, allocate what the
/// CPU's do. Only one exists at a time.
class DryRun : private PartObserver {
 public:
  DryRun();
  ~DryRun() override;

  /// What tensors made from here on are for, but for gradients and parameters that a step gathers.
  void makes(Purpose purpose, Part part);

  /// Says what a tensor's memory is for.  \param elements of each part in it, which share its bytes
  void attribute(Tensor const& tensor, Purpose purpose, PartElements const& elements);

  /// Says what everything is for that was made for `from`.
  void attribute_all(Purpose from, Purpose purpose, PartElements const& elements);

  /// Gradients that come to a parameter count as gradients of `part`.
  void watch_gradients(Tensor const& parameter, Part part);

  /// Forgets the peak so far and the work.
  void begin();

  MemoryUse const& now() const;
  MemoryUse const& peak() const;
  Pass pass_of_peak() const;
  Work const& work() const;

  /// Counted memory may outlive the dry run.
  struct Ledger;

 private:
  struct Counting;

  Tensor passing(Part from, Part to, Tensor const& x) override;

  std::shared_ptr<Ledger> ledger_;
  std::unique_ptr<Counting> counting_;
  PartObserver* before_;
};

}  // namespace vcflash::planning

#ifndef VCFLASH_SEPARATE
#include <vcflash/planning/dry_run.ipp>
#endif
