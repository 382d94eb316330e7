#include <vcflash/tensor/parameter_list.hpp>

#include <ATen/CPUGeneratorImpl.h>

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>

#include <catch2/catch_test_macros.hpp>

#include <vcflash/layers/linear.hpp>

using namespace vcflash;

namespace {

/// Starts as no role does.
struct Sevens : Parameter<Role::weight, 3> {
  static Tensor initial() { return at::full({3}, 7.0F); }
};

struct Layer {
  using Map = Linear<4, 2>;
  BOOST_HANA_DEFINE_STRUCT(Layer, (Map, map), (Sevens, sevens));
};

}  // namespace

TEST_CASE("a list of parameters has the model's keys, shapes and roles in order", "[unit]") {
  Layer layer;
  auto const list = parameters_of(layer, "model.");
  REQUIRE(list.size() == 3);
  CHECK(list[0].key == "model.map.weight");
  CHECK(list[0].shape == at::IntArrayRef({2, 4}));
  CHECK(list[0].role == Role::weight);
  CHECK(list[1].key == "model.map.bias");
  CHECK(list[1].role == Role::bias);
  CHECK(list[2].key == "model.sevens");
  CHECK(list[0].initial == nullptr);
  REQUIRE(list[2].initial != nullptr);
  auto generator = at::detail::createCPUGenerator(1);
  CHECK(list[2].initial(generator).equal(at::full({3}, 7.0F)));
}

TEST_CASE("what is written through a list is the model's", "[unit]") {
  Layer layer;
  for (auto const& parameter : parameters_of(layer)) *parameter.value = at::ones(parameter.shape);
  CHECK(layer.map.weight.value.equal(at::ones({2, 4})));
  auto const named = named_parameters(layer);
  REQUIRE(named.size() == 3);
  CHECK(named[1].first == "map.bias");
  CHECK(named[1].second.is_same(layer.map.bias.value));
}
