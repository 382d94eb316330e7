#include <vcflash/tensor/aten.hpp>

#include <ATen/ATen.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

namespace {

bool same(Tensor const& ours, Tensor const& at) {
  return ours.options().type_equal(at.options()) && ours.strides() == at.strides() &&
         ours.equal(at);
}

}  // namespace

TEST_CASE("operators are those of at::", "[unit]") {
  at::manual_seed(1);
  Tensor const x = at::randn({2, 3, 4}), y = at::randn({2, 3, 4}), w = at::randn({5, 4}),
               bias = at::randn({5}), gain = at::rand({4}), shift = at::randn({4});
  auto const doubles = x.options().dtype(at::kDouble);
  CHECK(same(aten::zeros({2, 3}), at::zeros({2, 3})));
  CHECK(same(aten::zeros({2, 3}, doubles), at::zeros({2, 3}, doubles)));
  CHECK(same(aten::full({3}, 7, at::kLong), at::full({3}, 7, at::kLong)));
  CHECK(same(aten::zeros_like(x.transpose(0, 2)), at::zeros_like(x.transpose(0, 2))));
  CHECK(same(aten::arange(5, at::kLong), at::arange(5, at::kLong)));
  CHECK(same(aten::arange(2, 5, doubles), at::arange(2, 5, doubles)));
  CHECK(same(aten::arange(0, 7, 2, at::kFloat), at::arange(0, 7, 2, at::kFloat)));
  CHECK(same(aten::cat({x, y}, -1), at::cat({x, y}, -1)));
  CHECK(same(aten::stack({x, y}, 1), at::stack({x, y}, 1)));
  CHECK(same(aten::pow(10.0, x), at::pow(10.0, x)));
  CHECK(same(aten::linear(x, w), at::linear(x, w)));
  CHECK(same(aten::linear(x, w, bias), at::linear(x, w, bias)));
  CHECK(same(aten::embedding(w, at::arange(3, 1, -1)), at::embedding(w, at::arange(3, 1, -1))));
  CHECK(same(aten::gelu(x), at::gelu(x)));
  CHECK(same(aten::silu(x), at::silu(x)));
  CHECK(same(aten::layer_norm(x, gain, shift, 1e-3), at::layer_norm(x, {4}, gain, shift, 1e-3)));
  Tensor const half = x.to(at::kBFloat16);
  CHECK(same(aten::vector_norm(half, at::kFloat),
             at::linalg_vector_norm(half, 2, std::nullopt, false, at::kFloat)));
  Tensor const logits = x.flatten(0, 1), labels = at::tensor({0, 3, -100, 1, -100, 2}, at::kLong);
  CHECK(same(aten::cross_entropy_loss(logits, labels), at::cross_entropy_loss(logits, labels)));
  Tensor const images = x.unsqueeze(0);
  CHECK(same(aten::upsample_bicubic2d(images, {5, 6}),
             at::upsample_bicubic2d(images, {5, 6}, false)));
  CHECK(same(aten::upsample_linear1d(x, 7), at::upsample_linear1d(x, {7}, false)));
}

TEST_CASE("a tensor that is not filled has the shape, the dtype and the layout asked for",
          "[unit]") {
  Tensor const x = aten::empty({2, 3}, at::TensorOptions(at::kHalf).device(at::kMeta));
  CHECK(x.sizes() == at::IntArrayRef({2, 3}));
  CHECK(x.scalar_type() == at::kHalf);
  CHECK(x.is_meta());
  CHECK(aten::empty({1}).scalar_type() == at::kFloat);
  Tensor const turned = x.t();
  CHECK(aten::empty_like(turned).strides() == turned.strides());
  CHECK(aten::empty_like(turned, at::MemoryFormat::Contiguous).is_contiguous());
}

TEST_CASE("attention is causal or masked as at:: has it", "[unit]") {
  at::manual_seed(2);
  Tensor const q = at::randn({1, 2, 3, 8}), k = at::randn({1, 2, 3, 8}),
               v = at::randn({1, 2, 3, 8}), seen = at::tril(at::ones({3, 3}, at::kBool), 0);
  CHECK(
      same(aten::scaled_dot_product_attention(q, k, v), at::scaled_dot_product_attention(q, k, v)));
  CHECK(same(aten::scaled_dot_product_attention(q, k, v, seen),
             at::scaled_dot_product_attention(q, k, v, seen)));
  CHECK(same(aten::scaled_dot_product_attention(q, k, v, std::nullopt, /*causal=*/true),
             at::scaled_dot_product_attention(q, k, v, std::nullopt, 0.0, true)));
}
