#include <vcflash/layers/mlp.hpp>
#include <vcflash/layers/parts.hpp>
#include <vcflash/tensor/initialize.hpp>
#include <vcflash/tensor/placement.hpp>

#include <ATen/ops/rand.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("a network of plain parts has the keys and the numbers of its layers", "[unit]") {
  STATIC_CHECK(std::same_as<SwiGlu<8, 16>::Down, Linear<16, 8, false>>);
  STATIC_CHECK(parameter_count<SwiGlu<8, 16>> == 3 * 8 * 16);
}

TEST_CASE("frozen parts have the same keys and learn nothing", "[unit]") {
  using Trained = SwiGlu<8, 16>;
  using Still = SwiGlu<8, 16, FrozenParts<>>;
  Trained trained;
  Still still;
  initialize(trained, {.weight = 0.5}, 1);
  initialize(still, {.weight = 0.5}, 1);
  set_trained(trained, true);
  set_trained(still, true);
  auto const ours = parameters_of(still), theirs = parameters_of(trained);
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(ours[i].key == theirs[i].key);
    CHECK_FALSE(ours[i].trainable);
    CHECK_FALSE(ours[i].value->requires_grad());
    CHECK(theirs[i].value->requires_grad());
  }
  at::Tensor const x = at::rand({3, 8});
  CHECK(still(x).equal(trained(x)));
}
