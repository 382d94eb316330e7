#include <vcflash/eval/benchmarks/mvbench.hpp>

#include <catch2/catch_test_macros.hpp>

#include "tests/eval/golden_candidates.hpp"

TEST_CASE("MVBench asks and grades as upstream does", "[golden]") {
  vcflash::test::check_candidates<vcflash::eval::MvBench>("eval_mvbench");
}
