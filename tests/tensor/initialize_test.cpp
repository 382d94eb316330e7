#include <vcflash/layers/embedding.hpp>
#include <vcflash/layers/linear.hpp>
#include <vcflash/layers/norm.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

using namespace vcflash;

namespace {
struct Model {
  using Table = Embedding<64, 128>;
  using Map = Linear<128, 256>;
  using Norm = LayerNorm<128, 1e-6>;
  BOOST_HANA_DEFINE_STRUCT(Model, (Table, table), (Map, map), (Norm, norm));
};
}  // namespace

TEST_CASE("parameters start as their roles ask", "[unit]") {
  Model model;
  initialize(model, {.weight = 0.05, .embedding = 0.1}, 7);
  using Catch::Matchers::WithinRel;
  CHECK_THAT(model.map.weight.value.std().item<double>(), WithinRel(0.05, 0.02));
  CHECK_THAT(model.table.weight.value.std().item<double>(), WithinRel(0.1, 0.04));
  CHECK(model.map.bias.value.count_nonzero().item<std::int64_t>() == 0);
  CHECK(model.norm.weight.value.eq(1).all().item<bool>());
}

TEST_CASE("a seed decides every value", "[unit]") {
  Model a, b, c;
  initialize(a, {}, 1);
  initialize(b, {}, 1);
  initialize(c, {}, 2);
  CHECK(a.map.weight.value.equal(b.map.weight.value));
  CHECK_FALSE(a.map.weight.value.equal(c.map.weight.value));
}
