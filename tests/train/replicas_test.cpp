#include <vcflash/train/replicas.hpp>

#include <ATen/ops/full.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/checkpoint/small_recipe.hpp"

using namespace vcflash;
using namespace vcflash::train;

using Stage4 = test::SmallRecipe<HighResPostSft>;

TEST_CASE("replicas share a network's memory and gather gradients of their own", "[unit]") {
  Stage4::Network network;
  initialize_model<Stage4>(network, 1);
  freeze_as_staged<Stage4>(network);
  Replicas<Stage4::Network> replicas(network, 3);
  REQUIRE(replicas.size() == 3);
  CHECK(&replicas[0] == &network);
  for (std::size_t i = 1; i < 3; ++i) {
    auto const own = parameters_of(network), copied = parameters_of(replicas[i]);
    for (std::size_t p = 0; p < own.size(); ++p) {
      CAPTURE(own[p].key);
      CHECK(copied[p].value->is_same_size(*own[p].value));
      CHECK(copied[p].value->const_data_ptr() == own[p].value->const_data_ptr());
      CHECK(copied[p].value->requires_grad() == own[p].value->requires_grad());
      CHECK(copied[p].value->is_leaf());
    }
  }
  auto const weight = [](Stage4::Network& of) -> Tensor& {
    return parameters_of(of.connector).front().value->mutable_grad();
  };
  auto const shape = parameters_of(network.connector).front().value->sizes();
  SECTION("all have one") {
    for (std::size_t i = 0; i < 3; ++i) weight(replicas[i]) = at::full(shape, 1 << i);
    replicas.gather_gradients();
    CHECK(weight(network).equal(at::full(shape, 7)));
  }
  SECTION("the network has none") {
    weight(replicas[2]) = at::full(shape, 4);
    replicas.gather_gradients();
    CHECK(weight(network).equal(at::full(shape, 4)));
  }
  CHECK_FALSE(weight(replicas[1]).defined());
  CHECK_FALSE(weight(replicas[2]).defined());
}
