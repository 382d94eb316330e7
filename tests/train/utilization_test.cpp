#include <vcflash/train/utilization.hpp>

#include <catch2/catch_test_macros.hpp>

#include <vcflash/train/plan.hpp>

#include "tests/checkpoint/small_recipe.hpp"

using namespace vcflash;
using namespace vcflash::train;

namespace {

using Stage2 = test::SmallRecipe<VisualPretraining>;

}  // namespace

TEST_CASE("utilization is the work of a step over what the devices could do meanwhile", "[unit]") {
  StepReport report;
  report.seconds = 2;
  report.frames = 3;
  report.tokens = 10;
  report.token_pairs = 100;
  report.labels = 4;
  StepFlops const flops{.frame = 1000, .token = 10, .token_pair = 1, .label = 100};
  CHECK(flops.of(report) == 3000 + 100 + 100 + 400);
  CHECK(Utilization{flops, 900, 4}.of(report) == 3600.0 / (900 * 4 * 2));
  CHECK(Utilization{flops, 0, 4}.of(report) == 0);
  // Nobody does more than everything: the rate was measured too low.
  CHECK(Utilization{flops, 100, 4}.of(report) == 1);
}

TEST_CASE("the work of steps of any size follows from plans of two", "[unit]") {
  auto run = default_config<Stage2>();
  run.recipe.gradient_checkpointing = false;
  run.recipe.micro_batch = run.global_batch = 2;
  run.dtype = at::kFloat;
  auto const flops = step_flops(plan_of<Stage2>, run, Stage2::Encoder::clip.frames);
  for (std::int64_t const text : {20, 90}) {
    CAPTURE(text);
    auto const plan = plan_of<Stage2>(run, {.frames = 8, .text = text});
    auto const tokens = static_cast<double>(plan.batch.tokens());
    StepReport report;
    report.frames = 2 * 8;
    report.tokens = 2 * plan.batch.tokens();
    report.token_pairs = 2 * tokens * tokens;
    report.labels = 2 * text;
    double const planned = plan.work.total();
    CHECK(std::abs(flops.of(report) - planned) < 1e-6 * planned);
  }
}

TEST_CASE("a matrix product takes some time", "[unit]") {
  double const rate = matrix_product_rate(at::kFloat, at::kCPU);
  CHECK(rate > 1e8);
  CHECK(rate < 1e15);
}
