#pragma once

#include <vcflash/tensor/tensor.hpp>

#include <ATen/core/Reduction.h>
#include <ATen/ops/arange_ops.h>
#include <ATen/ops/avg_pool2d_ops.h>
#include <ATen/ops/concat_ops.h>
#include <ATen/ops/cross_entropy_loss_ops.h>
#include <ATen/ops/embedding_ops.h>
#include <ATen/ops/empty_like_ops.h>
#include <ATen/ops/empty_ops.h>
#include <ATen/ops/full_ops.h>
#include <ATen/ops/gelu_ops.h>
#include <ATen/ops/layer_norm_ops.h>
#include <ATen/ops/linalg_vector_norm_ops.h>
#include <ATen/ops/linear_ops.h>
#include <ATen/ops/max_pool2d_ops.h>
#include <ATen/ops/pow_ops.h>
#include <ATen/ops/scaled_dot_product_attention_ops.h>
#include <ATen/ops/silu_ops.h>
#include <ATen/ops/stack_ops.h>
#include <ATen/ops/upsample_bicubic2d_ops.h>
#include <ATen/ops/upsample_bilinear2d_ops.h>
#include <ATen/ops/upsample_linear1d_ops.h>
#include <ATen/ops/zeros_like_ops.h>
#include <ATen/ops/zeros_ops.h>

#include <concepts>
#include <cstdint>
#include <optional>

/// LibTorch's operators, as `at::` has them, with the arguments that are used here. The headers
/// that declare those (`<ATen/ops/zeros.h>`) take 5 s a translation unit, for the parts of LibTorch
/// that they include beside the operator; what these functions call takes none.
namespace vcflash::aten {

namespace detail {

/// What `Operator` makes of `arguments` with dtype, layout and device of `options`.
template <typename Operator, typename... Arguments>
Tensor made(at::TensorOptions const& options, Arguments const&... arguments) {
  auto const dtype = c10::optTypeMetaToScalarType(options.dtype_opt());
  if constexpr (std::same_as<Operator, at::_ops::empty_memory_format>) {
    return Operator::call(arguments..., dtype, options.layout_opt(), options.device_opt(),
                          options.pinned_memory_opt(), options.memory_format_opt());
  } else {
    return Operator::call(arguments..., dtype, options.layout_opt(), options.device_opt(),
                          options.pinned_memory_opt());
  }
}

}  // namespace detail

inline Tensor empty(at::IntArrayRef shape, at::TensorOptions const& options = {}) {
  return detail::made<at::_ops::empty_memory_format>(options, c10::fromIntArrayRefSlow(shape));
}

inline Tensor zeros(at::IntArrayRef shape, at::TensorOptions const& options = {}) {
  return detail::made<at::_ops::zeros>(options, c10::fromIntArrayRefSlow(shape));
}

inline Tensor full(at::IntArrayRef shape, at::Scalar const& value,
                   at::TensorOptions const& options = {}) {
  return detail::made<at::_ops::full>(options, c10::fromIntArrayRefSlow(shape), value);
}

inline Tensor empty_like(Tensor const& tensor,
                         std::optional<at::MemoryFormat> format = std::nullopt) {
  return at::_ops::empty_like::call(tensor, std::nullopt, std::nullopt, std::nullopt, std::nullopt,
                                    format);
}

inline Tensor zeros_like(Tensor const& tensor) {
  return at::_ops::zeros_like::call(tensor, std::nullopt, std::nullopt, std::nullopt, std::nullopt,
                                    std::nullopt);
}

/// `start`, `start + step`, … below `end`.
inline Tensor arange(at::Scalar const& start, at::Scalar const& end, at::Scalar const& step,
                     at::TensorOptions const& options) {
  return detail::made<at::_ops::arange_start_step>(options, start, end, step);
}

inline Tensor arange(at::Scalar const& start, at::Scalar const& end,
                     at::TensorOptions const& options) {
  return detail::made<at::_ops::arange_start>(options, start, end);
}

inline Tensor arange(at::Scalar const& end, at::TensorOptions const& options) {
  return detail::made<at::_ops::arange>(options, end);
}

inline Tensor cat(at::TensorList tensors, std::int64_t dim = 0) {
  return at::_ops::concat::call(tensors, dim);
}

inline Tensor stack(at::TensorList tensors, std::int64_t dim = 0) {
  return at::_ops::stack::call(tensors, dim);
}

inline Tensor pow(at::Scalar const& base, Tensor const& exponent) {
  return at::_ops::pow_Scalar::call(base, exponent);
}

inline Tensor linear(Tensor const& x, Tensor const& weight,
                     std::optional<Tensor> const& bias = std::nullopt) {
  return at::_ops::linear::call(x, weight, bias);
}

inline Tensor embedding(Tensor const& weight, Tensor const& ids) {
  return at::_ops::embedding::call(weight, ids, /*padding_idx=*/-1, /*scale_grad_by_freq=*/false,
                                   /*sparse=*/false);
}

inline Tensor gelu(Tensor const& x) { return at::_ops::gelu::call(x, "none"); }

/// By tanh instead of erf.
inline Tensor gelu_tanh(Tensor const& x) { return at::_ops::gelu::call(x, "tanh"); }

inline Tensor silu(Tensor const& x) { return at::_ops::silu::call(x); }

/// Over the last dimension.
inline Tensor layer_norm(Tensor const& x, Tensor const& weight, Tensor const& bias,
                         double epsilon) {
  return at::_ops::layer_norm::call(x, c10::fromIntArrayRefSlow(weight.sizes()), weight, bias,
                                    epsilon, /*cudnn_enable=*/true);
}

/// Between the middles of the outermost pixels.
/// \param images [batch, channels, height, width]
inline Tensor upsample_bicubic2d(Tensor const& images, at::IntArrayRef height_and_width) {
  return at::_ops::upsample_bicubic2d::call(images, c10::fromIntArrayRefSlow(height_and_width),
                                            /*align_corners=*/false, std::nullopt, std::nullopt);
}

/// Between the middles of the outermost pixels, each a mean of its four nearest.
/// \param images [batch, channels, height, width]
inline Tensor upsample_bilinear2d(Tensor const& images, at::IntArrayRef height_and_width) {
  return at::_ops::upsample_bilinear2d::call(images, c10::fromIntArrayRefSlow(height_and_width),
                                             /*align_corners=*/false, std::nullopt, std::nullopt);
}

/// The mean of each square of `side` pixels, and of what is left of squares at the edges.
/// \param images [batch, channels, height, width]
inline Tensor avg_pool2d(Tensor const& images, std::int64_t side) {
  return at::_ops::avg_pool2d::call(images, side, side, /*padding=*/0, /*ceil_mode=*/true,
                                    /*count_include_pad=*/false, std::nullopt);
}

/// The largest of each square of `side` pixels, and of what is left of squares at the edges.
/// \param images [batch, channels, height, width]
inline Tensor max_pool2d(Tensor const& images, std::int64_t side) {
  return at::_ops::max_pool2d::call(images, side, side, /*padding=*/0, /*dilation=*/1,
                                    /*ceil_mode=*/true);
}

/// \param rows [batch, channels, length]
inline Tensor upsample_linear1d(Tensor const& rows, std::int64_t length) {
  return at::_ops::upsample_linear1d::call(rows, c10::fromIntArrayRefSlow(length),
                                           /*align_corners=*/false, std::nullopt);
}

/// The Euclidean norm of all elements, computed in `dtype`.
inline Tensor vector_norm(Tensor const& x, at::ScalarType dtype) {
  return at::_ops::linalg_vector_norm::call(x, 2, std::nullopt, /*keepdim=*/false, dtype);
}

/// The mean over labels that are not -100.
inline Tensor cross_entropy_loss(Tensor const& logits, Tensor const& labels) {
  return at::_ops::cross_entropy_loss::call(logits, labels, std::nullopt, at::Reduction::Mean,
                                            /*ignore_index=*/-100, /*label_smoothing=*/0.0);
}

inline Tensor scaled_dot_product_attention(Tensor const& query, Tensor const& key,
                                           Tensor const& value,
                                           std::optional<Tensor> const& seen = std::nullopt,
                                           bool causal = false) {
  return at::_ops::scaled_dot_product_attention::call(query, key, value, seen, /*dropout_p=*/0.0,
                                                      causal, /*scale=*/std::nullopt,
                                                      /*enable_gqa=*/false);
}

}  // namespace vcflash::aten
