#include <vcflash/meta/reflect.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using namespace vcflash;

namespace {

template <std::int64_t... Dims>
struct Leaf {
  static constexpr std::array<std::int64_t, sizeof...(Dims)> shape{Dims...};
  static constexpr std::int64_t count = (std::int64_t{1} * ... * Dims);
  static constexpr int role = 0;
  int visits = 0;
};

struct Layer {
  using Weight = Leaf<2, 3>;
  BOOST_HANA_DEFINE_STRUCT(Layer, (Weight, weight), (Absent, bias));
};

struct Model {
  using Layers = std::array<Layer, 2>;
  using Mlp = Numbered<Layer, Absent, Layer>;
  BOOST_HANA_DEFINE_STRUCT(Model, (Layers, layers), (Mlp, mlp));
};

struct Renamed {
  BOOST_HANA_DEFINE_STRUCT(Renamed, (Model, inner), (Layer, outer));
  static constexpr std::array key_prefixes{"model.vision.", ""};
};

std::vector<std::string> names_of(std::vector<KeyAndShape> const& keys) {
  std::vector<std::string> names;
  for (auto const& [key, shape] : keys) names.push_back(key);
  return names;
}

}  // namespace

TEST_CASE("members' names are the keys, arrays and numbered layers count", "[unit]") {
  CHECK(names_of(keys_of<Model>()) == std::vector<std::string>{"layers.0.weight", "layers.1.weight",
                                                               "mlp.0.weight", "mlp.2.weight"});
}

TEST_CASE("an aggregate may spell its members' prefixes itself", "[unit]") {
  auto const names = names_of(keys_of<Renamed>());
  CHECK(names.front() == "model.vision.layers.0.weight");
  CHECK(names.back() == "weight");
}

TEST_CASE("parameters and keys are counted by the compiler", "[unit]") {
  STATIC_CHECK(parameter_count<Model> == 4 * 6);
  STATIC_CHECK(key_count<Model> == 4);
  STATIC_CHECK(parameter_count<Absent> == 0);
  CHECK(keys_of<Model>().front().shape == std::vector<std::int64_t>{2, 3});
}

TEST_CASE("a visitor sees every parameter once and may change it", "[unit]") {
  Model model;
  for_each_parameter(model, [](std::string const&, auto& leaf) { ++leaf.visits; });
  int total = 0;
  for_each_parameter(std::as_const(model),
                     [&](std::string const&, auto const& leaf) { total += leaf.visits; });
  CHECK(total == 4);
}
