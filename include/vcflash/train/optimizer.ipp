#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/kernels/norm.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/train/optimizer.hpp>

namespace vcflash::train {

namespace detail {

/// Whether a parameter is kept in fp32 beside the model.
inline bool is_narrow(Tensor const& parameter) { return parameter.scalar_type() != at::kFloat; }

/// Adds what a parameter gathered to its sum, if it has one.
inline void take_gradient(Tensor const& parameter, Tensor const& sum) {
  at::NoGradGuard const no_grad;
  Tensor& gradient = parameter.mutable_grad();
  if (!sum.defined() || !gradient.defined()) return;
  sum.add_(gradient);
  gradient.reset();
}

}  // namespace detail

VCFLASH_INLINE AdamW::AdamW(std::vector<ParameterGroup> groups, Options options)
    : options_(options), groups_(std::move(groups)) {
  at::NoGradGuard const no_grad;
  for (auto const& group : groups_) {
    State& state = states_.emplace_back();
    for (std::size_t i = 0; i < group.parameters.size(); ++i) {
      Tensor const& parameter = group.parameters[i];
      bool const narrow = detail::is_narrow(parameter);
      state.masters.push_back(narrow ? parameter.detach().to(at::kFloat) : parameter.detach());
      bool const sums = narrow && options_.several_passes;
      state.gradients.push_back(!group.gradients.empty() ? group.gradients[i]
                                : sums                   ? aten::zeros_like(state.masters.back())
                                                         : Tensor());
      state.first.push_back(aten::zeros_like(state.masters.back()));
      state.second.push_back(aten::zeros_like(state.masters.back()));
      state.steps.push_back(
          aten::full({}, 0.0F, at::TensorOptions(at::kFloat).device(parameter.device())));
    }
  }
}

VCFLASH_INLINE std::int64_t AdamW::state_bytes() const {
  std::int64_t bytes = 0;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    State const& state = states_[g];
    for (std::size_t i = 0; i < state.first.size(); ++i) {
      bool const narrow = detail::is_narrow(groups_[g].parameters[i]);
      bytes += static_cast<std::int64_t>((narrow ? 3 : 2) * state.first[i].nbytes());
      if (state.gradients[i].defined()) {
        bytes += static_cast<std::int64_t>(state.gradients[i].nbytes());
      }
    }
  }
  return bytes;
}

VCFLASH_INLINE AdamW::~AdamW() {
  if (!listens_) return;
  for_each([](Tensor const& parameter, Tensor const&) {
    torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
  });
}

VCFLASH_INLINE void AdamW::take_gradients() { for_each(detail::take_gradient); }

VCFLASH_INLINE void AdamW::take_gradients_as_they_come() {
  struct Hook : torch::autograd::PostAccumulateGradHook {
    explicit Hook(Tensor sum) : sum(std::move(sum)) {}
    void operator()(torch::autograd::Variable const& parameter) override {
      detail::take_gradient(parameter, sum);
    }
    Tensor sum;
  };
  listens_ = true;
  for_each([](Tensor const& parameter, Tensor const& sum) {
    if (!sum.defined()) return;
    torch::autograd::impl::set_post_acc_grad_hooks(parameter, std::make_unique<Hook>(sum));
  });
}

VCFLASH_INLINE std::vector<Tensor> AdamW::gradients() const {
  std::vector<Tensor> gradients;
  for_each([&](Tensor const& parameter, Tensor const& sum) {
    Tensor const& gradient = sum.defined() ? sum : parameter.grad();
    if (gradient.defined()) gradients.push_back(gradient);
  });
  return gradients;
}

VCFLASH_INLINE Tensor AdamW::gradient_norm() const {
  at::NoGradGuard const no_grad;
  auto const all = gradients();
  if (!all.empty()) {
    std::vector<Tensor> wide, norms;
    for (auto const& gradient : all) {
      if (detail::is_narrow(gradient)) {
        norms.push_back(kernels::norm(gradient));
      } else {
        wide.push_back(gradient);
      }
    }
    if (!wide.empty()) std::ranges::move(at::_foreach_norm(wide), std::back_inserter(norms));
    return aten::stack(norms).norm();
  }
  auto fp32 = at::TensorOptions(at::kFloat);
  for_each([&](Tensor const& parameter, Tensor const&) { fp32 = fp32.device(parameter.device()); });
  return aten::zeros({}, fp32);
}

VCFLASH_INLINE void AdamW::clip(double norm, double most) {
  at::NoGradGuard const no_grad;
  float const factor = static_cast<float>(most) / (static_cast<float>(norm) + 1e-6F);
  if (most <= 0 || factor >= 1) return;
  auto all = gradients();
  std::erase_if(all, detail::is_narrow);
  if (!all.empty()) at::_foreach_mul_(all, at::Scalar(factor));
  narrow_factor_ = factor;
}

VCFLASH_INLINE void AdamW::forget_gradients() {
  for_each([](Tensor const& parameter, Tensor const& sum) {
    if (sum.defined()) sum.zero_();
    parameter.mutable_grad().reset();
  });
  narrow_factor_ = 1;
}

VCFLASH_INLINE void AdamW::step(double factor) {
  at::NoGradGuard const no_grad;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    auto const& group = groups_[g];
    State& state = states_[g];
    double const rate = group.learning_rate * factor;
    std::vector<Tensor> masters, gradients, first, second, steps;
    for (std::size_t i = 0; i < group.parameters.size(); ++i) {
      Tensor const& parameter = group.parameters[i];
      Tensor const& sum = state.gradients[i];
      state.steps[i].add_(1);
      if (detail::is_narrow(parameter) && !sum.defined()) {
        move_narrow(g, i, rate);
        continue;
      }
      masters.push_back(state.masters[i]);
      gradients.push_back(sum.defined()                ? sum
                          : parameter.grad().defined() ? parameter.grad()
                                                       : aten::zeros_like(state.masters[i]));
      first.push_back(state.first[i]);
      second.push_back(state.second[i]);
      steps.push_back(state.steps[i]);
    }
    if (masters.empty()) continue;
    at::_fused_adamw_(masters, gradients, first, second, {}, steps, rate, options_.beta1,
                      options_.beta2, group.weight_decay, options_.epsilon, /*amsgrad=*/false,
                      /*maximize=*/false);
    for (std::size_t i = 0; i < group.parameters.size(); ++i) {
      if (detail::is_narrow(group.parameters[i]) && state.gradients[i].defined()) {
        group.parameters[i].detach().copy_(state.masters[i]);
      }
    }
  }
  forget_gradients();
  ++steps_done_;
}

VCFLASH_INLINE void AdamW::move_narrow(std::size_t group, std::size_t i, double rate) {
  State& state = states_[group];
  Tensor const parameter = groups_[group].parameters[i].detach();
  Tensor const& gradient = groups_[group].parameters[i].grad();
  // What a processor's cache holds, and what is worth a GPU's kernel.
  std::int64_t const some = parameter.is_cpu() ? 1 << 20 : 1 << 26;
  std::int64_t const rows = parameter.size(0);
  std::int64_t const at_once = std::max<std::int64_t>(1, some * rows / parameter.numel());
  for (std::int64_t row = 0; row < rows; row += at_once) {
    auto const piece = [&](Tensor const& of) {
      return of.narrow(0, row, std::min(at_once, rows - row));
    };
    Tensor const master = piece(state.masters[i]);
    Tensor const wide =
        gradient.defined() ? piece(gradient).to(at::kFloat) : aten::zeros_like(master);
    if (narrow_factor_ != 1) wide.mul_(narrow_factor_);
    at::_fused_adamw_({master}, {wide}, {piece(state.first[i])}, {piece(state.second[i])}, {},
                      {state.steps[i]}, rate, options_.beta1, options_.beta2,
                      groups_[group].weight_decay, options_.epsilon, /*amsgrad=*/false,
                      /*maximize=*/false);
    piece(parameter).copy_(master);
  }
}

VCFLASH_INLINE NamedTensors AdamW::state() const {
  NamedTensors tensors;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    for (std::size_t i = 0; i < groups_[g].names.size(); ++i) {
      auto const& name = groups_[g].names[i];
      tensors.emplace_back("first." + name, states_[g].first[i]);
      tensors.emplace_back("second." + name, states_[g].second[i]);
      if (detail::is_narrow(groups_[g].parameters[i])) {
        tensors.emplace_back("master." + name, states_[g].masters[i]);
      }
    }
  }
  return tensors;
}

VCFLASH_INLINE void AdamW::restore(std::map<std::string, Tensor> const& tensors,
                                   std::int64_t steps_done, std::string_view where) {
  at::NoGradGuard const no_grad;
  auto const own = state();
  for (auto const& [name, tensor] : own) {
    auto const found = tensors.find(name);
    if (found == tensors.end() || found->second.sizes() != tensor.sizes() ||
        found->second.scalar_type() != tensor.scalar_type()) {
      throw InputError(
          fmt::format("{}: has no fitting {}; it was written by a run of another "
                      "recipe or dtype.",
                      where, name));
    }
  }
  if (tensors.size() != own.size()) {
    throw InputError(
        fmt::format("{}: has {} tensors, this run has {}.", where, tensors.size(), own.size()));
  }
  for (auto const& [name, tensor] : own) tensor.detach().copy_(tensors.at(name));
  for (auto& state : states_) {
    for (auto& steps : state.steps) steps.fill_(static_cast<float>(steps_done));
  }
  steps_done_ = steps_done;
}

}  // namespace vcflash::train
