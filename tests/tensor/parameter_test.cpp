#include <vcflash/tensor/parameter.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("a parameter knows its shape, its size and its role before it exists", "[unit]") {
  using Kernel = Parameter<Role::weight, 8, 3, 1, 2, 2>;
  STATIC_CHECK(ParameterLike<Kernel>);
  STATIC_CHECK(Kernel::count == 96);
  STATIC_CHECK(parameter_count<Kernel> == 96);
  CHECK_FALSE(Kernel{}.value.defined());
}

TEST_CASE("only biases and LayerNorm gains escape weight decay", "[unit]") {
  STATIC_CHECK(decays(Role::weight) && decays(Role::embedding) && decays(Role::rms_norm));
  STATIC_CHECK_FALSE(decays(Role::bias) || decays(Role::layer_norm));
}
