#include <vcflash/eval/benchmarks/lvbench.hpp>

#include <catch2/catch_test_macros.hpp>

#include "tests/eval/golden_candidates.hpp"

TEST_CASE("LVBench asks and grades as upstream does", "[golden]") {
  vcflash::test::check_candidates<vcflash::eval::LvBench>("eval_lvbench");
}
