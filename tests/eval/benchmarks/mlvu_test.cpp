#include <vcflash/eval/benchmarks/mlvu.hpp>

#include <catch2/catch_test_macros.hpp>

#include "tests/eval/golden_candidates.hpp"

TEST_CASE("MLVU asks and grades as upstream does", "[golden]") {
  vcflash::test::check_candidates<vcflash::eval::Mlvu>("eval_mlvu_mc");
}
