#include <vcflash/infer/suspect_weights.hpp>

#include <ATen/ops/ones.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <limits>

using namespace vcflash;

TEST_CASE("the first weight that is not all numbers is named", "[unit]") {
  NamedTensors weights{{"a", at::ones({2, 3})}, {"b", at::ones({4}, at::kBFloat16)}};
  CHECK(infer::detail::with_suspect("it broke", weights) == "it broke");
  weights[1].second[3] = std::numeric_limits<float>::infinity();
  CHECK_THAT(infer::detail::with_suspect("it broke", weights),
             Catch::Matchers::StartsWith("it broke (b holds values that are not numbers"));
}
