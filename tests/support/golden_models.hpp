#pragma once

#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/models/video_chat.hpp>

#include <ATen/ops/zeros_like.h>

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "tests/support/golden_tensor.hpp"

/// The small configurations that the golden data was computed with, and their weights.
namespace vcflash::test {

using GoldenUmt224 = Umt<UmtConfig{.name = "golden UMT", .width = 48, .depth = 4, .heads = 4}>;
using GoldenUmt448 = Umt<UmtConfig{
    .name = "golden UMT at 448", .resolution = 448, .width = 48, .depth = 4, .heads = 4}>;

template <bool Tied>
using GoldenQwen2Of = Qwen2<DecoderConfig{.name = "golden Qwen2",
                                          .hidden = 64,
                                          .layers = 4,
                                          .heads = 4,
                                          .kv_heads = 2,
                                          .intermediate = 160,
                                          .vocabulary = 320,
                                          .tied = Tied}>;
using GoldenQwen2 = GoldenQwen2Of<false>;
using GoldenQwen2Tied = GoldenQwen2Of<true>;

using GoldenToMe = ToMe<ToMeConfig{.name = "golden ToMe", .input = 48, .output = 64, .heads = 4}>;
using GoldenVideoChat = VideoChat<GoldenUmt224, GoldenToMe, GoldenQwen2>;

/// Gives every parameter of a model the stored tensor of its key and marks it as trained; every
/// stored tensor must have found its place.
template <class Model>
void load_golden_weights(Model& model, std::map<std::string, at::Tensor> const& weights) {
  std::set<std::string> used;
  for_each_parameter(model, [&](std::string const& key, auto& parameter) {
    CAPTURE(key);
    REQUIRE(weights.contains(key));
    at::Tensor const& stored = weights.at(key);
    REQUIRE(stored.sizes() == at::IntArrayRef(parameter.shape.data(), parameter.shape.size()));
    parameter.value = stored.clone().requires_grad_(true);
    used.insert(key);
  });
  CHECK(used.size() == weights.size());
}

/// The gradient of a parameter; zero, if it has none.
template <class Model>
at::Tensor gradient_of(Model const& model, std::string const& of) {
  at::Tensor gradient;
  for_each_parameter(model, [&](std::string const& key, auto const& parameter) {
    if (key != of) return;
    gradient = parameter.value.grad();
    if (!gradient.defined()) gradient = at::zeros_like(parameter.value);
  });
  return gradient;
}

/// Compares the gradient of every parameter with the tensor stored as `prefix` and its key, where
/// one is stored.
/// \param but the key of one that is compared otherwise
template <class Model>
void check_gradients(Golden& golden, std::string const& prefix, Model const& model,
                     Tolerance tolerance, std::string const& but = {}) {
  for_each_parameter(model, [&](std::string const& key, auto const& parameter) {
    if (key == but || !golden.json().at("tensors").contains(prefix + key)) return;
    at::Tensor const& gradient = parameter.value.grad();
    golden.check(prefix + key, gradient.defined() ? gradient : at::zeros_like(parameter.value),
                 tolerance);
  });
}

/// Compares the L2 norm of every gradient with the one stored under its key; a parameter for which
/// none is stored must have no gradient.
template <class Model>
void check_gradient_norms(nlohmann::json const& norms, Model const& model, double tolerance) {
  std::size_t compared = 0;
  for_each_parameter(model, [&](std::string const& key, auto const& parameter) {
    CAPTURE(key);
    at::Tensor const& gradient = parameter.value.grad();
    double const norm = gradient.defined() ? gradient.norm().template item<double>() : 0.0;
    double const expected = norms.value(key, 0.0);
    CHECK(std::abs(norm - expected) <= tolerance * expected);
    compared += norms.contains(key) ? 1 : 0;
  });
  CHECK(compared == norms.size());
}

template <class Model>
void clear_gradients(Model& model) {
  for_each_parameter(
      model, [](auto const&, auto& parameter) { parameter.value.mutable_grad() = at::Tensor{}; });
}

}  // namespace vcflash::test
