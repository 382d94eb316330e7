#pragma once

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/graph_task.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/library.h>

#include <ATen/WrapDimUtils.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/record_function.h>
#include <c10/core/Allocator.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>

#include <vcflash/base/error.hpp>
#include <vcflash/kernels/on_gradient.hpp>
#include <vcflash/planning/dry_run.hpp>
#include <vcflash/tensor/aten.hpp>

namespace vcflash::planning {

struct DryRun::Ledger {
  struct Allocation {
    std::shared_ptr<Ledger> ledger;
    std::int64_t bytes;
    Purpose purpose;
    std::array<std::int64_t, part_count> by_part{};
  };

  MemoryUse now{}, peak{};
  std::int64_t bytes = 0, peak_bytes = 0;
  Pass pass_of_peak = Pass::forward;
  Work work{};
  Purpose purpose = Purpose::activations;
  Part part = Part::encoder;
  bool backward_began = false;
  int operations = 0;  ///< that are running, one within the other
  std::unordered_set<Allocation*> live{};

  static bool in_backward() { return torch::autograd::get_current_graph_task_id() != -1; }

  Pass pass() {
    if (in_backward()) {
      backward_began = true;
      return at::GradMode::is_enabled() ? Pass::recomputation : Pass::backward;
    }
    return backward_began ? Pass::optimizer : Pass::forward;
  }

  /// What memory is for that is asked for now.
  Purpose purpose_now() const {
    if (in_backward()) {
      auto const node = torch::autograd::get_current_node();
      if (dynamic_cast<torch::autograd::AccumulateGrad const*>(node.get()) != nullptr) {
        return Purpose::gradients;
      }
    }
    // No operation asks for what ShardedParameters gathers.
    return operations == 0 ? Purpose::weights : purpose;
  }

  void add(Allocation const& allocation, std::int64_t sign) {
    auto& amounts = now.amounts[static_cast<std::size_t>(allocation.purpose)];
    for (std::size_t p = 0; p < part_count; ++p) amounts[p] += sign * allocation.by_part[p];
    bytes += sign * allocation.bytes;
  }

  void attribute(Allocation& allocation, Purpose to, PartElements const& elements) {
    add(allocation, -1);
    allocation.purpose = to;
    auto const all = std::accumulate(elements.begin(), elements.end(), std::int64_t{0});
    std::int64_t left = allocation.bytes;
    for (std::size_t p = 0; p < part_count; ++p) {
      auto const share =
          static_cast<double>(elements[p]) / static_cast<double>(std::max(all, std::int64_t{1}));
      allocation.by_part[p] =
          std::min(left, static_cast<std::int64_t>(static_cast<double>(allocation.bytes) * share));
      left -= allocation.by_part[p];
    }
    *std::ranges::max_element(allocation.by_part) += left;
    add(allocation, +1);
  }
};

namespace detail {

/// Counts what the `meta` device is asked for.
class CountingAllocator final : public c10::Allocator {
 public:
  using Allocation = DryRun::Ledger::Allocation;

  std::shared_ptr<DryRun::Ledger> ledger;

  at::DataPtr allocate(std::size_t size) override {
    auto* const allocation =
        new Allocation{ledger, static_cast<std::int64_t>(size), ledger->purpose_now(), {}};
    allocation->by_part[static_cast<std::size_t>(ledger->part)] = allocation->bytes;
    ledger->live.insert(allocation);
    ledger->add(*allocation, +1);
    auto const pass = ledger->pass();
    if (ledger->bytes > ledger->peak_bytes) {
      ledger->peak_bytes = ledger->bytes;
      ledger->peak = ledger->now;
      ledger->pass_of_peak = pass;
    }
    return {nullptr, allocation, &release, at::Device(at::kMeta)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void*, void const*, std::size_t) const override {}

  static void release(void* context) {
    std::unique_ptr<Allocation> const allocation(static_cast<Allocation*>(context));
    allocation->ledger->add(*allocation, -1);
    allocation->ledger->live.erase(allocation.get());
  }

  static Allocation* of(Tensor const& tensor) {
    return tensor.storage().data_ptr().cast_context<Allocation>(&release);
  }

  /// LibTorch keeps a pointer to it.
  static CountingAllocator& instance() {
    static CountingAllocator allocator;
    return allocator;
  }
};

/// What two matrices' product, or several such, costs.
inline double product(Tensor const& a, Tensor const& b) {
  return 2.0 * static_cast<double>(a.numel()) * static_cast<double>(b.size(-1));
}

/// One product of queries and keys, or of scores and values, in all heads.
inline double scores(Tensor const& query, Tensor const& key, bool causal) {
  auto const all = 2.0 * static_cast<double>(query.numel()) * static_cast<double>(key.size(-2));
  return causal ? all / 2 : all;
}

/// Operations of what does matrix products; 0 for all else.
inline double flops_of(std::string_view operation, c10::ArrayRef<c10::IValue const> in) {
  if (operation == "aten::mm" || operation == "aten::bmm") {
    return product(in[0].toTensor(), in[1].toTensor());
  }
  if (operation == "aten::addmm" || operation == "aten::baddbmm") {
    return product(in[1].toTensor(), in[2].toTensor());
  }
  if (operation == "aten::_scaled_dot_product_flash_attention_for_cpu") {
    return 2 * scores(in[0].toTensor(), in[1].toTensor(), in[4].toBool());
  }
  if (operation == "aten::_scaled_dot_product_flash_attention_for_cpu_backward") {
    // The scores once more, and two products for each of the two forward.
    return 5 * scores(in[1].toTensor(), in[2].toTensor(), in[7].toBool());
  }
  return 0;
}

/// Where `at::RecordFunction` keeps an operation's inputs. What compiles without NDEBUG may not ask
/// `inputs()`: that then wants a mark which only a LibTorch that was compiled so sets, and warns,
/// with a backtrace, at every operation. The members stand at the same places either way.
struct InputsOf {
  using Member = c10::ArrayRef<c10::IValue const> at::RecordFunction::*;
  friend Member member_of(InputsOf);
};

/// An explicit instantiation may name a private member.
template <InputsOf::Member member>
struct Opened {
  friend InputsOf::Member member_of(InputsOf) { return member; }
};
template struct Opened<&at::RecordFunction::inputs_>;

inline std::unique_ptr<at::ObserverContext> operation_begins(at::RecordFunction const& operation) {
  auto& ledger = *CountingAllocator::instance().ledger;
  ++ledger.operations;
  auto const inputs = operation.*member_of(InputsOf{});
  if (auto const flops = flops_of(operation.name(), inputs); flops > 0) {
    ledger.work(ledger.pass(), ledger.part) += flops;
  }
  return nullptr;
}

inline void operation_ends(at::RecordFunction const&, at::ObserverContext*) {
  --CountingAllocator::instance().ledger->operations;
}

// Operations as they allocate on the CPU, where LibTorch has none for the meta device.

inline Tensor meta_index_select(Tensor const& self, std::int64_t dim, Tensor const& index) {
  auto sizes = self.sizes().vec();
  sizes[static_cast<std::size_t>(at::maybe_wrap_dim(dim, self.dim()))] = index.numel();
  return aten::empty(sizes, self.options());
}

inline Tensor meta_embedding_backward(Tensor const& gradient, Tensor const&, std::int64_t rows,
                                      std::int64_t, bool) {
  return aten::empty({rows, gradient.size(-1)}, gradient.options());
}

inline std::tuple<Tensor, Tensor, Tensor> meta_layer_norm(Tensor const& x, at::IntArrayRef shape,
                                                          std::optional<Tensor> const&,
                                                          std::optional<Tensor> const&, double) {
  auto rows = x.sizes().vec();
  std::fill(rows.end() - static_cast<std::ptrdiff_t>(shape.size()), rows.end(), 1);
  return {aten::empty_like(x, at::MemoryFormat::Contiguous), aten::empty(rows, x.options()),
          aten::empty(rows, x.options())};
}

inline std::tuple<Tensor, Tensor, Tensor> meta_layer_norm_backward(
    Tensor const&, Tensor const& x, at::IntArrayRef, Tensor const&, Tensor const&,
    std::optional<Tensor> const& weight, std::optional<Tensor> const& bias,
    std::array<bool, 3> wanted) {
  auto const like = [](bool asked, Tensor const& tensor) {
    return asked ? aten::empty_like(tensor, at::MemoryFormat::Contiguous) : Tensor();
  };
  return {like(wanted[0], x), like(wanted[1], weight.value_or(Tensor())),
          like(wanted[2], bias.value_or(Tensor()))};
}

inline void meta_adamw(at::TensorList, at::TensorList, at::TensorList, at::TensorList,
                       at::TensorList, at::TensorList, double, double, double, double, double, bool,
                       bool, std::optional<Tensor> const&, std::optional<Tensor> const&) {}

/// [batch, heads, tokens, width] as the CPU lays it out: head after head of each token.
inline Tensor by_token(Tensor const& like) {
  return aten::empty({like.size(0), like.size(2), like.size(1), like.size(3)}, like.options())
      .transpose(1, 2);
}

inline std::tuple<Tensor, Tensor> meta_attention(Tensor const& query, Tensor const&, Tensor const&,
                                                 double, bool, std::optional<Tensor> const&,
                                                 std::optional<double>) {
  Tensor const sums =
      aten::empty({query.size(0), query.size(2), query.size(1)}, query.options().dtype(at::kFloat));
  return {by_token(query), sums.transpose(1, 2)};
}

inline std::tuple<Tensor, Tensor, Tensor> meta_attention_backward(
    Tensor const&, Tensor const& query, Tensor const& key, Tensor const& value, Tensor const&,
    Tensor const&, double, bool, std::optional<Tensor> const&, std::optional<double>) {
  return {by_token(query), by_token(key), by_token(value)};
}

/// The CPU's attention never has the scores in memory; the one for meta tensors would.
inline Tensor choose_attention(Tensor const& query, Tensor const& key, Tensor const& value,
                               std::optional<Tensor> const& seen, double dropout, bool causal,
                               std::optional<double> scale, bool) {
  auto added = seen;  // it makes numbers of what says yes or no
  if (seen && seen->scalar_type() == at::kBool) added = aten::empty(seen->sizes(), query.options());
  return std::get<0>(at::_scaled_dot_product_flash_attention_for_cpu(query, key, value, dropout,
                                                                     causal, added, scale));
}

}  // namespace detail

struct DryRun::Counting {
  explicit Counting(std::shared_ptr<Ledger> ledger)
      : meta(torch::Library::IMPL, "aten", c10::DispatchKey::Meta, __FILE__, __LINE__),
        differentiable(torch::Library::IMPL, "aten", c10::DispatchKey::AutogradMeta, __FILE__,
                       __LINE__),
        before(c10::GetAllocator(at::kMeta)) {
    auto& allocator = detail::CountingAllocator::instance();
    if (allocator.ledger) fail("one dry run has to end before the next begins");
    allocator.ledger = std::move(ledger);
    meta.impl("index_select", &detail::meta_index_select);
    meta.impl("embedding_dense_backward", &detail::meta_embedding_backward);
    meta.impl("native_layer_norm", &detail::meta_layer_norm);
    meta.impl("native_layer_norm_backward", &detail::meta_layer_norm_backward);
    meta.impl("_fused_adamw_", &detail::meta_adamw);
    meta.impl("_scaled_dot_product_flash_attention_for_cpu", &detail::meta_attention);
    meta.impl("_scaled_dot_product_flash_attention_for_cpu_backward",
              &detail::meta_attention_backward);
    differentiable.impl("scaled_dot_product_attention", &detail::choose_attention);
    c10::SetAllocator(at::kMeta, &allocator, priority);
    callback = at::addThreadLocalCallback(
        at::RecordFunctionCallback(&detail::operation_begins, &detail::operation_ends)
            .needsInputs(true)
            .scopes({at::RecordScope::FUNCTION}));
  }
  ~Counting() {
    at::removeCallback(callback);
    c10::SetAllocator(at::kMeta, before, priority);
    detail::CountingAllocator::instance().ledger.reset();
  }
  Counting(Counting const&) = delete;
  Counting& operator=(Counting const&) = delete;

  static constexpr std::uint8_t priority = 1;  // over the allocator that is there from the start

  torch::Library meta, differentiable;
  c10::Allocator* before;
  at::CallbackHandle callback = 0;
};

VCFLASH_INLINE DryRun::DryRun()
    : ledger_(std::make_shared<Ledger>()),
      counting_(std::make_unique<Counting>(ledger_)),
      before_(std::exchange(PartObserver::current, static_cast<PartObserver*>(this))) {}

VCFLASH_INLINE DryRun::~DryRun() { PartObserver::current = before_; }

VCFLASH_INLINE void DryRun::makes(Purpose purpose, Part part) {
  ledger_->purpose = purpose;
  ledger_->part = part;
}

VCFLASH_INLINE void DryRun::attribute(Tensor const& tensor, Purpose purpose,
                                      PartElements const& elements) {
  if (auto* const allocation = detail::CountingAllocator::of(tensor); allocation != nullptr) {
    ledger_->attribute(*allocation, purpose, elements);
  }
}

VCFLASH_INLINE void DryRun::attribute_all(Purpose from, Purpose purpose,
                                          PartElements const& elements) {
  for (auto* const allocation : ledger_->live) {
    if (allocation->purpose == from) ledger_->attribute(*allocation, purpose, elements);
  }
}

VCFLASH_INLINE void DryRun::watch_gradients(Tensor const& parameter, Part part) {
  struct Hook : torch::autograd::PostAccumulateGradHook {
    Hook(DryRun& run, Part part) : run(run), part(part) {}
    void operator()(torch::autograd::Variable const& variable) override {
      PartElements elements{};
      elements[static_cast<std::size_t>(part)] = 1;
      run.attribute(variable.grad(), Purpose::gradients, elements);
    }
    DryRun& run;
    Part part;
  };
  torch::autograd::impl::set_post_acc_grad_hooks(parameter, std::make_unique<Hook>(*this, part));
}

VCFLASH_INLINE void DryRun::begin() {
  ledger_->peak = ledger_->now;
  ledger_->peak_bytes = ledger_->bytes;
  ledger_->pass_of_peak = Pass::forward;
  ledger_->backward_began = false;
  ledger_->work = {};
}

VCFLASH_INLINE MemoryUse const& DryRun::now() const { return ledger_->now; }
VCFLASH_INLINE MemoryUse const& DryRun::peak() const { return ledger_->peak; }
VCFLASH_INLINE Pass DryRun::pass_of_peak() const { return ledger_->pass_of_peak; }
VCFLASH_INLINE Work const& DryRun::work() const { return ledger_->work; }

VCFLASH_INLINE Tensor DryRun::passing(Part from, Part to, Tensor const& x) {
  ledger_->part = to;
  ledger_->backward_began = false;
  if (!x.requires_grad() || !at::GradMode::is_enabled()) return x;
  return kernels::on_gradient(x, [ledger = ledger_, from] { ledger->part = from; });
}

}  // namespace vcflash::planning
