#include <vcflash/kernels/cpu/flash_attention_backward.hpp>

#include <ATen/ops/isfinite.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("a query that sees no key has no gradient and gives none", "[unit]") {
  if (!kernels::cpu::attention_path().can_run()) SKIP("the processor has no AVX512-BF16");
  auto const some = [](std::int64_t heads, std::int64_t tokens) {
    return at::randn({1, heads, tokens, 16}).to(at::kBFloat16);
  };
  Tensor const query = some(4, 9), key = some(2, 5), value = some(2, 5), gradient = some(4, 9);
  auto const attended = kernels::cpu::flash_attention(query, key, value, true);
  auto const all =
      kernels::cpu::flash_attention_backward(gradient, query, key, value, attended, true);
  Tensor const of_blind = all.query.narrow(2, 0, 4);
  CHECK(of_blind.equal(at::zeros_like(of_blind)));
  auto const seeing = [](Tensor const& x) { return x.narrow(2, 4, 5); };
  auto const rest = kernels::cpu::flash_attention_backward(
      seeing(gradient), seeing(query), key, value,
      kernels::cpu::flash_attention(seeing(query), key, value, true), true);
  CHECK(at::isfinite(all.key).all().item<bool>());
  CHECK(all.key.allclose(rest.key, 1e-2, 1e-2));
  CHECK(all.value.allclose(rest.value, 1e-2, 1e-2));
}
