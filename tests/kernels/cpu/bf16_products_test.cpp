#include <vcflash/kernels/cpu/bf16_products.hpp>

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

#ifdef __x86_64__

using namespace vcflash;
using namespace vcflash::kernels;

namespace {

Tensor some(std::int64_t rows, std::int64_t columns) {
  return at::randn({rows, columns}).to(at::kBFloat16);
}

auto rows_of(Tensor const& matrix) {
  return
      [&matrix](std::int64_t i) { return matrix.const_data_ptr<cpu::Bf16>() + i * matrix.size(1); };
}

bool near(Tensor const& one, Tensor const& other) {
  return (one - other).abs().max().item<float>() < 1e-3F;
}

}  // namespace

TEST_CASE("rows times columns, and what is there is added to", "[unit]") {
  if (!cpu::has_avx512_bf16()) SKIP("the processor has no AVX512-BF16");
  for (std::int64_t const rows : {1, 2, 5, 6, 13}) {
    Tensor const left = some(rows, 34), right = some(70, 34);
    Tensor laid = at::full({2 * cpu::strip * 34}, 7, at::kBFloat16);
    cpu::lay_out_columns(laid.mutable_data_ptr<cpu::Bf16>(), rows_of(right), 70, 34);
    Tensor product = at::full({rows, cpu::strip}, 3, at::kFloat);
    cpu::multiply<false>(rows_of(left), laid.const_data_ptr<cpu::Bf16>() + cpu::strip * 34,
                         2 * cpu::strip, 17, product.mutable_data_ptr<float>(), cpu::strip, rows,
                         cpu::strip / cpu::lanes);
    Tensor const exact = left.to(at::kFloat).mm(right.narrow(0, cpu::strip, 6).to(at::kFloat).t());
    CHECK(near(product.narrow(1, 0, 6), exact));
    CHECK(product.narrow(1, 6, cpu::strip - 6).equal(at::full({rows, cpu::strip - 6}, 0.0F)));
  }
}

TEST_CASE("rows times rows, any number of vectors wide", "[unit]") {
  if (!cpu::has_avx512_bf16()) SKIP("the processor has no AVX512-BF16");
  for (std::int64_t const channels : {10, 32, 48, 100, 112}) {
    std::int64_t const width = cpu::rounded_up(channels, cpu::lanes);
    Tensor const left = some(7, cpu::strip), right = some(51, channels);
    Tensor laid = at::full({cpu::strip * width}, 7, at::kBFloat16);
    cpu::lay_out_rows(laid.mutable_data_ptr<cpu::Bf16>(), rows_of(right), 51, channels, width);
    Tensor sum = at::full({7, width}, 3, at::kFloat);
    cpu::multiply<true>(rows_of(left), laid.const_data_ptr<cpu::Bf16>(), 2 * width, cpu::strip / 2,
                        sum.mutable_data_ptr<float>(), width, 7, width / cpu::lanes);
    Tensor const exact = left.narrow(1, 0, 51).to(at::kFloat).mm(right.to(at::kFloat)) + 3;
    CHECK(near(sum.narrow(1, 0, channels), exact));
  }
}

TEST_CASE("rows are laid out pair by pair, whole or with a lone last row", "[unit]") {
  if (!cpu::has_avx512_bf16()) SKIP("the processor has no AVX512-BF16");
  for (std::int64_t const count : {1, 16, 50, 70}) {
    for (std::int64_t const channels : {2, 32, 88}) {
      Tensor const x = some(count, channels);
      std::int64_t const strips = cpu::units(count, cpu::strip),
                         width = cpu::rounded_up(channels, cpu::lanes);
      Tensor const padded =
          at::constant_pad_nd(x, {0, width - channels, 0, strips * cpu::strip - count});
      Tensor columns = at::full({strips, channels / 2, cpu::strip, 2}, 7, at::kBFloat16);
      cpu::lay_out_columns(columns.mutable_data_ptr<cpu::Bf16>(), rows_of(x), count, channels);
      CHECK(columns.equal(padded.narrow(1, 0, channels)
                              .view({strips, cpu::strip, channels / 2, 2})
                              .transpose(1, 2)));
      Tensor rows = at::full({strips * cpu::strip / 2, width, 2}, 7, at::kBFloat16);
      cpu::lay_out_rows(rows.mutable_data_ptr<cpu::Bf16>(), rows_of(x), count, channels, width);
      CHECK(rows.equal(padded.view({-1, 2, width}).transpose(1, 2)));
    }
  }
}

TEST_CASE("a tensor's heads are found by their strides", "[unit]") {
  Tensor const x = some(2 * 5 * 3, 8).view({2, 5, 3, 8}).transpose(1, 2);
  cpu::Heads const heads(x);
  CHECK(*heads.at(1, 2, 4) == x[1][2][4][0].item<cpu::Bf16>());
}

#endif
