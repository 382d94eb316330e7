#include <vcflash/kernels/cpu/rms_norm.hpp>

#include <vcflash/kernels/rms_norm.hpp>

#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("the fast path rounds where LibTorch's operations do", "[unit]") {
  auto const& path = kernels::cpu::rms_norm_path();
  if (!path.can_run()) SKIP("the processor has no AVX-512");
  at::Tensor const x = (at::randn({37, 3, 160}) * 3).to(at::kBFloat16);
  at::Tensor const weight = at::randn({160}).to(at::kBFloat16);
  at::Tensor const y = path.run(x, weight, 1e-6).to(at::kFloat);
  at::Tensor const plain = kernels::plain::rms_norm(x, weight, 1e-6).to(at::kFloat);
  // The mean's sum in another order may round a number to its other neighbour.
  CHECK(((y - plain).abs() <= plain.abs() / 64).all().item<bool>());
  CHECK((y != plain).to(at::kFloat).mean().item<float>() < 0.01F);
}

TEST_CASE("rows that lie apart are normalized as dense ones are", "[unit]") {
  auto const& path = kernels::cpu::rms_norm_path();
  if (!path.can_run()) SKIP("the processor has no AVX-512");
  at::Tensor const weight = at::randn({32}).to(at::kBFloat16);
  at::Tensor const all = at::randn({2, 5, 3, 32}).to(at::kBFloat16);
  for (auto const& x :
       {all.select(2, 1), all.select(2, 2).slice(0, 0, 1), all[1].select(1, 2), all[0][0][0]}) {
    at::Tensor const y = path.run(x, weight, 1e-6);
    CHECK(y.sizes() == x.sizes());
    CHECK(y.equal(path.run(x.clone(at::MemoryFormat::Contiguous), weight, 1e-6)));
  }
  for (auto const& x :
       {all.transpose(0, 1), all.slice(1, 0, 4), all.transpose(0, 3).slice(3, 0, 1)}) {
    auto const gain = weight.slice(0, 0, x.size(-1));
    CHECK(kernels::rms_norm(x, gain, 1e-6).equal(kernels::plain::rms_norm(x, gain, 1e-6)));
  }
}
