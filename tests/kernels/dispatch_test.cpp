#include <vcflash/base/error.hpp>
#include <vcflash/kernels/dispatch.hpp>

#include <ATen/ops/ones.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>

#include <string>

#include "tests/kernels/with_fast_paths.hpp"

using namespace vcflash;
using namespace vcflash::kernels;

namespace {

using Path = FastPath<std::string(Tensor const&)>;

constexpr auto yes = [] { return true; };
constexpr auto no = [] { return false; };
constexpr auto takes_matrices = [](Tensor const& x) { return x.dim() == 2; };
constexpr auto takes_all = [](Tensor const&) { return true; };

}  // namespace

TEST_CASE("the first path that can run, is preferred and takes the operands is taken", "[unit]") {
  Path const impossible{"impossible", no, yes, takes_all, [](auto&) { return std::string("0"); }};
  Path const slow{"slow", yes, no, takes_all, [](auto&) { return std::string("slow"); }};
  Path const matrices{"matrices",
                      yes,
                      yes,
                      takes_matrices,
                      [](auto&) { return std::string("matrices"); },
                      [](auto&) { return std::string("learning matrices"); }};
  Path const any{"any", yes, yes, takes_all, [](auto&) { return std::string("any"); }};
  Operation<std::string(Tensor const&)> const operation{
      "test", [](auto&) { return std::string("plain"); }, {&impossible, &slow, &matrices, &any}};
  Tensor const vector = at::ones({2}), matrix = at::ones({2, 2});
  Tensor const learning_vector = at::ones({2}).requires_grad_(),
               learning_matrix = at::ones({2, 2}).requires_grad_();
  {
    test::WithFastPaths const preferred(FastPaths::preferred);
    CHECK(operation(vector) == "any");
    CHECK(operation(matrix) == "matrices");
    CHECK(operation(learning_matrix) == "learning matrices");
    CHECK(operation(learning_vector) == "plain");
    CHECK(operation.path_of(learning_vector) == nullptr);
    CHECK(operation.path_of(matrix) == &matrices);
  }
  {
    test::WithFastPaths const possible(FastPaths::possible);
    CHECK(operation(vector) == "slow");
  }
  test::WithFastPaths const off(FastPaths::off);
  CHECK(operation(vector) == "plain");
  CHECK(operation(matrix) == "plain");
}

TEST_CASE("the environment says which fast paths are taken", "[unit]") {
  CHECK(kernels::detail::fast_paths_named(nullptr) == FastPaths::preferred);
  CHECK(kernels::detail::fast_paths_named("preferred") == FastPaths::preferred);
  CHECK(kernels::detail::fast_paths_named("off") == FastPaths::off);
  CHECK(kernels::detail::fast_paths_named("possible") == FastPaths::possible);
  CHECK_THROWS_MATCHES(
      kernels::detail::fast_paths_named("no"), InputError,
      Catch::Matchers::Message("the environment's VCFLASH_FAST_PATHS is \"no\", but "
                               "should be off, preferred or possible"));
}
