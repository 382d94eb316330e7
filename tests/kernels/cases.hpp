#pragma once

#include <vcflash/kernels/attention.hpp>
#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/kernels/gradients.hpp>
#include <vcflash/kernels/linear.hpp>
#include <vcflash/kernels/merge_rows.hpp>
#include <vcflash/kernels/norm.hpp>
#include <vcflash/kernels/rms_norm.hpp>
#include <vcflash/kernels/swiglu.hpp>
#include <vcflash/kernels/token_merging.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

/// What every kernel is tried with: a test compares its fast paths and their gradients with its
/// plain definition (tests/kernels/cases_test.cpp), a benchmark measures all of them
/// (bench/kernels/kernels_bench.cpp).
namespace vcflash::test {

template <class... Arguments>
struct KernelCase {
  using Operands = std::tuple<std::decay_t<Arguments>...>;

  std::string shape;
  std::function<Operands(at::Device)> operands;  ///< drawn anew, there
  bool measured = false;                         ///< by the benchmark as well
  bool has_gradients = true;                     ///< that are more than what rounding leaves
};

template <class Signature>
struct Kernel;

template <class Result, class... Arguments>
struct Kernel<Result(Arguments...)> {
  using Case = KernelCase<Arguments...>;

  kernels::Operation<Result(Arguments...)> const& operation;
  /// How far a fast path's result may be from the plain definition's in fp32, relative to that:
  /// norms of the difference and of the result.
  double bound;
  std::vector<Case> cases;
  double gradient_bound = 0;       ///< the same of every operand's gradient
  bool writes_into_first = false;  ///< a body may, into its first operand
};

inline Tensor random(at::IntArrayRef shape, at::Device device,
                     at::ScalarType dtype = at::kBFloat16) {
  return at::randn(shape, device).to(dtype);
}

/// bf16 keeps 8 bits: half a unit in the last place is at most 2^-8 of a number.
inline constexpr double half_unit = 1.0 / 256;

inline auto linear_kernel() {
  using Signature = Tensor(Tensor const&, Tensor const&, Tensor const&);
  Kernel<Signature> kernel{kernels::operations::linear(), 1.01 * half_unit, {}};
  auto const add = [&](std::int64_t rows, std::int64_t in, std::int64_t out, bool biased,
                       at::ScalarType dtype = at::kBFloat16, bool measured = false) {
    kernel.cases.push_back({to_string({rows, in}) + " by " + to_string({out, in}) +
                                (biased ? " and bias" : "") + (dtype == at::kFloat ? " fp32" : ""),
                            [=](at::Device device) {
                              return std::tuple(random({rows, in}, device, dtype),
                                                random({out, in}, device, dtype),
                                                biased ? random({out}, device, dtype) : Tensor());
                            },
                            measured});
  };
  for (std::int64_t const out : {3, 64, 1001}) {
    for (std::int64_t const rows : {1, 2, 3}) {
      add(rows, 192, out, true);
      add(rows, 192, out, false);
    }
  }
  add(1, 100, 8, true);  // no whole number of vectors
  add(2, 192, 8, true, at::kFloat);
  for (std::int64_t const rows : {1, 2}) add(rows, 1536, 8960, false, at::kBFloat16, true);
  return kernel;
}

inline auto rms_norm_kernel() {
  using Signature = Tensor(Tensor const&, Tensor const&, double);
  Kernel<Signature> kernel{kernels::operations::rms_norm(), 1.5 * half_unit, {}, 1.5 * half_unit};
  auto const add = [&](std::vector<std::int64_t> shape, at::ScalarType dtype = at::kBFloat16,
                       bool measured = false) {
    kernel.cases.push_back({to_string(shape) + (dtype == at::kFloat ? " fp32" : ""),
                            [=](at::Device device) {
                              return std::tuple(random(shape, device, dtype) * 3,
                                                random({shape.back()}, device, dtype), 1e-6);
                            },
                            measured});
  };
  for (auto const& shape : {std::vector<std::int64_t>{160}, {3, 64}, {37, 3, 160}, {2, 5, 100}}) {
    add(shape);
  }
  add({3, 64}, at::kFloat);
  for (std::int64_t const rows : {1, 2048}) add({rows, 1536}, at::kBFloat16, true);
  return kernel;
}

inline auto swiglu_kernel() {
  using Signature = Tensor(Tensor, Tensor const&);
  Kernel<Signature> kernel{
      kernels::operations::swiglu(), 1.5 * half_unit, {}, 1.5 * half_unit, true};
  auto const add = [&](std::vector<std::int64_t> shape, at::ScalarType dtype = at::kBFloat16,
                       bool measured = false) {
    kernel.cases.push_back({to_string(shape) + (dtype == at::kFloat ? " fp32" : ""),
                            [=](at::Device device) {
                              return std::tuple(random(shape, device, dtype) * 5,
                                                random(shape, device, dtype));
                            },
                            measured});
  };
  for (auto const& shape : {std::vector<std::int64_t>{16}, {33, 160}, {3, 5, 7}}) add(shape);
  add({33, 160}, at::kFloat);
  for (std::int64_t const rows : {1, 2048}) add({rows, 8960}, at::kBFloat16, true);
  return kernel;
}

inline auto norm_kernel() {
  using Signature = Tensor(Tensor const&);
  Kernel<Signature> kernel{
      kernels::operations::norm(), 1e-4, {}};  // which LibTorch's sums in fp32 lose
  auto const add = [&](std::vector<std::int64_t> shape, at::ScalarType dtype = at::kBFloat16,
                       bool measured = false) {
    kernel.cases.push_back(
        {to_string(shape) + (dtype == at::kFloat ? " fp32" : ""),
         [=](at::Device device) { return std::tuple(random(shape, device, dtype)); }, measured});
  };
  for (std::int64_t const count : {1, 31, 4096, 4097, 100'001}) add({count});
  add({40, 30}, at::kFloat);
  add({2048, 1536}, at::kBFloat16, true);
  return kernel;
}

inline auto attention_kernel() {
  using Signature = Tensor(Tensor const&, Tensor const&, Tensor const&, bool, Tensor const&);
  Kernel<Signature> kernel{kernels::operations::attention(), 0.005, {}, 0.008};
  auto const add = [&](std::int64_t batch, std::int64_t heads, std::int64_t kv_heads,
                       std::int64_t queries, std::int64_t keys, std::int64_t head_dim, bool causal,
                       bool measured = false, at::ScalarType dtype = at::kBFloat16) {
    // As a projection leaves it, with the tokens before the heads; a longer past as it is cached.
    auto const some = [=](std::int64_t some_heads, std::int64_t tokens, at::Device device) {
      if (tokens > queries) return random({batch, some_heads, tokens, head_dim}, device, dtype);
      return random({batch, tokens, some_heads, head_dim}, device, dtype).transpose(1, 2);
    };
    kernel.cases.push_back({to_string({batch, heads, queries, head_dim}) + " to " +
                                to_string({batch, kv_heads, keys, head_dim}) +
                                (causal ? " causal" : "") + (dtype == at::kFloat ? " fp32" : ""),
                            [=](at::Device device) {
                              return std::tuple(some(heads, queries, device),
                                                some(kv_heads, keys, device),
                                                some(kv_heads, keys, device), causal, Tensor());
                            },
                            measured, keys > 1});
  };
  add(1, 1, 1, 1, 1, 16, false);
  add(2, 4, 4, 100, 100, 64, false);
  add(1, 3, 1, 70, 70, 34, true);
  add(2, 14, 2, 130, 700, 64, true);
  add(2, 14, 2, 130, 300, 64, true);
  add(1, 6, 2, 1, 1100, 128, false);
  add(1, 2, 2, 800, 513, 88, false);
  add(1, 2, 2, 400, 213, 88, false);
  add(1, 7, 1, 60, 1030, 128, true);
  add(1, 2, 1, 389, 389, 64, true);
  add(1, 1, 1, 520, 520, 256, true);
  add(1, 4, 2, 9, 5, 16, true);      // four queries see no key
  add(1, 2, 1, 700, 600, 32, true);  // a hundred
  add(1, 2, 2, 7, 9, 15, true);      // an odd number of channels
  add(1, 2, 1, 5, 9, 16, true, false, at::kFloat);
  // A clip of UMT-L's at 224 and 448 pixels and of InternVideo2-1B's, 2,048 tokens of Qwen2.5-7B,
  // and one after 2,048 and 32,768.
  add(1, 16, 16, 784, 784, 64, false, true);
  add(1, 16, 16, 3136, 3136, 64, false, true);
  add(1, 16, 16, 1025, 1025, 88, false, true);
  add(1, 28, 4, 2048, 2048, 128, true, true);
  add(1, 28, 4, 1, 2048, 128, true, true);
  add(1, 28, 4, 1, 32768, 128, true, true);
  return kernel;
}

inline auto merge_tokens_kernel() {
  using Signature = Tensor(Tensor const&, std::int64_t, std::int64_t);
  Kernel<Signature> kernel{kernels::operations::merge_tokens(), half_unit, {}};
  auto const add = [&](std::int64_t directions, std::int64_t alike, std::int64_t channels,
                       std::int64_t heads, std::int64_t target, bool measured = false) {
    // Tokens of a direction beside each other: what is merged is alike, however it is rounded.
    kernel.cases.push_back({to_string({1, directions * alike, channels}) + " to " +
                                std::to_string(target) + (heads > 1 ? " by heads" : ""),
                            [=](at::Device device) {
                              auto const bits = at::TensorOptions(at::kLong).device(device);
                              Tensor const some = at::randint(0, 2, {directions, channels}, bits);
                              Tensor const centre = some.to(at::kBFloat16) * 2 - 1;
                              return std::tuple(centre.repeat_interleave(alike, 0).unsqueeze(0),
                                                target, heads);
                            },
                            measured});
  };
  for (std::int64_t const target : {32, 28, 16, 8, 4}) add(4, 8, 64, 1, target);
  add(4, 8, 60, 1, 8);              // no whole number of vectors
  add(49, 16, 1024, 16, 98, true);  // a clip of UMT-L's at 224 pixels
  add(49, 64, 1024, 16, 98, true);  // and at 448
  return kernel;
}

inline auto add_rows_kernel() {
  using Signature = Tensor(Tensor const&, Tensor const&, Tensor const&);
  Kernel<Signature> kernel{kernels::operations::add_rows(), 1e-5, {}, 1e-5};
  kernel.cases.push_back(
      {"[2, 9, 8] to [2, 12, 8] fp32",
       [](at::Device device) {
         return std::tuple(random({2, 12, 8}, device, at::kFloat),
                           random({2, 9, 8}, device, at::kFloat),
                           at::randint(0, 12, {2, 9}, at::TensorOptions(at::kLong).device(device)));
       },
       false});
  return kernel;
}

/// Calls f(kernel) with each of them.
template <class F>
void for_each_kernel(F const& f) {
  f(linear_kernel());
  f(rms_norm_kernel());
  f(swiglu_kernel());
  f(norm_kernel());
  f(attention_kernel());
  f(merge_tokens_kernel());
  f(add_rows_kernel());
}

}  // namespace vcflash::test
