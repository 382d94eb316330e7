#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn_like.h>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "tests/kernels/cases.hpp"
#include "tests/kernels/with_fast_paths.hpp"

using namespace vcflash;

namespace {

std::vector<at::Device> devices() {
  std::vector<at::Device> devices{at::kCPU};
  if (at::hasCUDA()) devices.emplace_back(at::kCUDA, 0);
  return devices;
}

bool is_floating(Tensor const& tensor) {
  return tensor.defined() && at::isFloatingType(tensor.scalar_type());
}

/// Operands, of which tensors of floating-point numbers are what `f` makes of them.
template <class... Operands, class F>
std::tuple<Operands...> changed(std::tuple<Operands...> operands, F const& f) {
  auto const change = [&]<class T>(T& operand) {
    if constexpr (std::same_as<T, Tensor>) {
      if (is_floating(operand)) operand = f(operand);
    }
  };
  std::apply([&](auto&... each) { (change(each), ...); }, operands);
  return operands;
}

template <class... Operands>
std::vector<Tensor> gradients(std::tuple<Operands...> const& operands) {
  std::vector<Tensor> all;
  auto const add = [&]<class T>(T const& operand) {
    if constexpr (std::same_as<T, Tensor>) {
      if (is_floating(operand)) all.push_back(operand.grad());
    }
  };
  std::apply([&](auto const&... each) { (add(each), ...); }, operands);
  return all;
}

Tensor widened(Tensor const& x) { return x.to(at::kFloat); }
Tensor copied(Tensor const& x) { return x.clone(); }  // as it lies
Tensor leaf(Tensor const& x) { return x.detach().clone().requires_grad_(); }

double relative_error(Tensor const& one, Tensor const& exact) {
  return ((one.to(at::kFloat) - exact).norm() / exact.norm()).item<double>();
}

/// Calls f(kernel, path, case, device) for what each path takes, whether it is preferred or not,
/// and tells what came of it: f returns how much of a bound was used, nothing if it has none.
template <class F>
void for_each_path(char const* what, F const& f) {
  test::for_each_kernel([&](auto const& kernel) {
    auto const& operation = kernel.operation;
    for (auto const* const path : operation.paths) {
      if (path == nullptr) break;
      std::string const name = std::string(operation.name) + " by " + std::string(path->name);
      if (!path->can_run()) {
        std::printf("%s: not on this processor\n", name.c_str());
        continue;
      }
      int tried = 0;
      double most = 0;
      for (auto const device : devices()) {
        for (auto const& some : kernel.cases) {
          if (!std::apply(path->takes, some.operands(device))) continue;
          CAPTURE(name, some.shape, device);
          std::optional<double> const used = f(kernel, *path, some, device);
          if (!used) continue;
          CHECK(*used <= 1);
          most = std::max(most, *used);
          ++tried;
        }
      }
      if (tried == 0) continue;
      std::printf("%s: %s of %d cases use up to %.2f of the bound\n", name.c_str(), what, tried,
                  most);
    }
  });
}

}  // namespace

TEST_CASE("fast paths compute what plain definitions compute in fp32", "[unit]") {
  at::NoGradGuard const no_grad;
  for_each_path("results", [](auto const& kernel, auto const& path, auto const& some, auto device) {
    auto const operands = some.operands(device);
    Tensor const exact = std::apply(kernel.operation.plain, changed(operands, widened));
    Tensor const result = std::apply(path.run, changed(operands, copied));
    CHECK(result.sizes() == exact.sizes());
    if (!some.measured) {
      Tensor const plain = std::apply(kernel.operation.plain, changed(operands, copied));
      CHECK(result.scalar_type() == plain.scalar_type());
    }
    return relative_error(result, exact) / kernel.bound;
  });
}

TEST_CASE("gradients of fast paths are what plain definitions have in fp32", "[unit]") {
  for_each_path("gradients",
                [](auto const& kernel, auto const& path, auto const& some,
                   auto device) -> std::optional<double> {
                  auto const operands = some.operands(device);
                  if (path.run_with_gradients == nullptr || !some.has_gradients || some.measured)
                    return std::nullopt;
                  auto exact = changed(changed(operands, widened), leaf);
                  auto fast = changed(operands, leaf), again = changed(operands, leaf);
                  Tensor const expected = std::apply(kernel.operation.plain, exact);
                  Tensor const result = std::apply(path.run_with_gradients, fast);
                  Tensor const gradient = at::randn_like(result);
                  expected.backward(gradient.to(expected.scalar_type()));
                  result.backward(gradient);
                  std::apply(path.run_with_gradients, again).backward(gradient);
                  {
                    at::NoGradGuard const no_grad;
                    CHECK(result.equal(std::apply(path.run, changed(operands, copied))));
                  }
                  double most = 0;
                  for (std::size_t i = 0; i < gradients(exact).size(); ++i) {
                    Tensor const one = gradients(fast)[i];
                    CHECK(one.sizes() == gradients(exact)[i].sizes());
                    CHECK(one.equal(gradients(again)[i]));
                    most = std::max(
                        most, relative_error(one, gradients(exact)[i]) / kernel.gradient_bound);
                  }
                  return most;
                });
}

TEST_CASE("operations take their fast paths where they may, else plain definitions", "[unit]") {
  test::for_each_kernel([&](auto const& kernel) {
    for (auto const& some : kernel.cases) {
      if (some.measured) continue;
      CAPTURE(kernel.operation.name, some.shape);
      auto const operands = some.operands(at::kCPU);
      at::NoGradGuard const no_grad;
      Tensor const plain = std::apply(kernel.operation.plain, changed(operands, copied));
      {
        test::WithFastPaths const off(kernels::FastPaths::off);
        CHECK(std::apply(kernel.operation, changed(operands, copied)).equal(plain));
      }
      test::WithFastPaths const possible(kernels::FastPaths::possible);
      Tensor expected = plain;
      for (auto const* const path : kernel.operation.paths) {
        if (path == nullptr || !path->can_run()) continue;
        if (!std::apply(path->takes, operands)) continue;
        expected = std::apply(path->run, changed(operands, copied));
        break;
      }
      CHECK(std::apply(kernel.operation, changed(operands, copied)).equal(expected));
    }
  });
}
