#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <array>

#include <fmt/format.h>

#include <vcflash/meta/error.hpp>
#include <vcflash/train/optimizer.hpp>

namespace vcflash::train {

namespace detail {

/// Whether a parameter is kept in fp32 beside the model.
inline bool is_narrow(Tensor const& parameter) { return parameter.scalar_type() != at::kFloat; }

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
      state.gradients.push_back(!group.gradients.empty() ? group.gradients[i]
                                : narrow                 ? at::zeros_like(state.masters.back())
                                                         : Tensor());
      state.first.push_back(at::zeros_like(state.masters.back()));
      state.second.push_back(at::zeros_like(state.masters.back()));
      state.steps.push_back(
          at::full({}, 0.0F, at::TensorOptions(at::kFloat).device(parameter.device())));
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

VCFLASH_INLINE void AdamW::take_gradients() {
  at::NoGradGuard const no_grad;
  for_each([](Tensor const& parameter, Tensor const& sum) {
    Tensor& gradient = parameter.mutable_grad();
    if (!sum.defined() || !gradient.defined()) return;
    sum.add_(gradient);
    gradient.reset();
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
  if (!all.empty()) return at::stack(at::_foreach_norm(all)).norm();
  auto fp32 = at::TensorOptions(at::kFloat);
  for_each([&](Tensor const& parameter, Tensor const&) { fp32 = fp32.device(parameter.device()); });
  return at::zeros({}, fp32);
}

VCFLASH_INLINE void AdamW::clip(double norm, double most) {
  at::NoGradGuard const no_grad;
  float const factor = static_cast<float>(most) / (static_cast<float>(norm) + 1e-6F);
  auto const all = gradients();
  if (most > 0 && factor < 1 && !all.empty()) at::_foreach_mul_(all, at::Scalar(factor));
}

VCFLASH_INLINE void AdamW::forget_gradients() {
  for_each([](Tensor const& parameter, Tensor const& sum) {
    if (sum.defined()) sum.zero_();
    parameter.mutable_grad().reset();
  });
}

VCFLASH_INLINE void AdamW::step(double factor) {
  at::NoGradGuard const no_grad;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    auto const& group = groups_[g];
    State& state = states_[g];
    if (group.parameters.empty()) continue;
    std::vector<Tensor> gradients;
    for (std::size_t i = 0; i < group.parameters.size(); ++i) {
      Tensor const& own = group.parameters[i].grad();
      gradients.push_back(state.gradients[i].defined() ? state.gradients[i]
                          : own.defined()              ? own
                                                       : at::zeros_like(state.masters[i]));
      state.steps[i].add_(1);
    }
    at::_fused_adamw_(state.masters, gradients, state.first, state.second, {}, state.steps,
                      group.learning_rate * factor, options_.beta1, options_.beta2,
                      group.weight_decay, options_.epsilon, /*amsgrad=*/false,
                      /*maximize=*/false);
    for (std::size_t i = 0; i < group.parameters.size(); ++i) {
      if (detail::is_narrow(group.parameters[i])) {
        group.parameters[i].detach().copy_(state.masters[i]);
      }
    }
  }
  forget_gradients();
  ++steps_done_;
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
