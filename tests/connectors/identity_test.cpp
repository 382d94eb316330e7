#include <vcflash/connectors/identity.hpp>

#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("the identity has no keys and gives back what it takes", "[unit]") {
  IdentityConnector<ProjectionConfig{.name = "small", .input = 4}> const connector;
  CHECK(keys_of<IdentityConnector<ProjectionConfig{}>>().empty());
  STATIC_CHECK(decltype(connector)::output_width == 4);
  CHECK(decltype(connector)::upstream_name() == "identity");
  at::Tensor const x = at::randn({2, 12, 4});
  CHECK(connector(x, {.frames = 4, .rows = 3, .columns = 1}).equal(x));
}
