#include <benchmark/benchmark.h>

#include <ATen/core/grad_mode.h>

#include <string>
#include <tuple>

#include "tests/kernels/cases.hpp"

/// Every fast path that this processor can run beside its plain definition, on the larger cases of
/// tests/kernels/cases.hpp: `rms_norm/[2048, 1536]/AVX-512`, `rms_norm/[2048, 1536]/plain`.

namespace {

using namespace vcflash;

template <class Body, class Operands>
void measure(benchmark::State& state, Body const& body, Operands operands, bool writes) {
  at::NoGradGuard const no_grad;
  if (writes) std::get<0>(operands).zero_();  // zeros stay zeros
  for (auto _ : state) benchmark::DoNotOptimize(std::apply(body, operands));
}

/// Forward and backward, from leaves.
template <class Body, class Operands>
void measure_learning(benchmark::State& state, Body const& body, Operands operands) {
  auto const learn = []<class T>(T& operand) {
    if constexpr (std::same_as<T, Tensor>) {
      if (operand.defined() && at::isFloatingType(operand.scalar_type())) {
        operand.requires_grad_();
      }
    }
  };
  std::apply([&](auto&... each) { (learn(each), ...); }, operands);
  Tensor gradient;
  for (auto _ : state) {
    Tensor const result = std::apply(body, operands);
    if (!gradient.defined()) gradient = result.detach().clone();
    result.backward(gradient);
  }
}

int const registered = [] {
  test::for_each_kernel([](auto const& kernel) {
    for (auto const& some : kernel.cases) {
      if (!some.measured) continue;
      std::string const name = std::string(kernel.operation.name) + "/" + some.shape + "/";
      auto const add = [&](std::string const& of, auto const& work) {
        benchmark::RegisterBenchmark((name + of).c_str(), work)->Unit(benchmark::kMicrosecond);
      };
      auto const add_body = [&](std::string const& of, auto body) {
        add(of, [=, writes = kernel.writes_into_first](benchmark::State& state) {
          measure(state, body, some.operands(at::kCPU), writes);
        });
      };
      auto const add_learning = [&](std::string const& of, auto body) {
        add(of + "/learning", [=](benchmark::State& state) {
          measure_learning(state, body, some.operands(at::kCPU));
        });
      };
      bool learns = false;
      for (auto const* const path : kernel.operation.paths) {
        if (path == nullptr || !path->can_run()) continue;
        if (!std::apply(path->takes, some.operands(at::kCPU))) continue;
        add_body(std::string(path->name), path->run);
        if (path->run_with_gradients == nullptr) continue;
        add_learning(std::string(path->name), path->run_with_gradients);
        learns = true;
      }
      add_body("plain", kernel.operation.plain);
      if (learns) add_learning("plain", kernel.operation.plain);
    }
  });
  return 0;
}();

}  // namespace
