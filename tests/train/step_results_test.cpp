#include <vcflash/train/step_results.hpp>

#include <ATen/ops/full.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <limits>

#include <vcflash/base/error.hpp>
#include "tests/dist/as_ranks.hpp"

using namespace vcflash;
using namespace vcflash::train;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

Tensor number(double value) { return at::full({}, value, at::kFloat); }

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("a step's loss is the mean over its micro batches", "[unit]") {
  StepReport report;
  read_results(report, {number(1), number(2), number(6)}, number(0.5), nullptr);
  CHECK(report.loss == 3);
  CHECK(report.micro_losses == std::vector<double>{1, 2, 6});
  CHECK(report.gradient_norm == 0.5);
  CHECK(report.skipped.empty());
}

TEST_CASE("what is no finite number is named", "[unit]") {
  StepReport of_loss, of_norm, of_nothing;
  read_results(of_loss, {number(1), number(not_a_number)}, number(1), nullptr);
  CHECK(of_loss.skipped == "loss");
  read_results(of_norm, {number(1)}, number(INFINITY), nullptr);
  CHECK(of_norm.skipped == "norm of the gradients");
  read_results(of_nothing, {}, number(0), nullptr);
  CHECK(of_nothing.skipped.empty());
  CHECK(std::isnan(of_nothing.loss));
  CHECK_THAT(nothing_learned(7), ContainsSubstring("step 7: no token"));
  of_loss.step = 9;
  CHECK_THAT(diverged(of_loss, 20),
             ContainsSubstring("step 9: the loss was no finite number in 20 steps"));
}

TEST_CASE("all ranks know all losses, in the order of one process, and all samples of a bad step",
          "[unit]") {
  auto const failures = test::as_ranks(2, 30s, [](dist::ProcessGroup& group) {
    bool const first = group.first();
    StepReport report;
    report.step = 3;
    report.samples = first ? 2 : 1;
    // The second rank learned from one micro batch only.
    auto losses = first ? std::vector{number(1), number(3)} : std::vector{number(2)};
    read_results(report, losses, number(not_a_number), &group);
    if (report.micro_losses != std::vector<double>{1, 2, 3}) fail("the losses are others");
    if (report.samples != 3 || report.loss != 2) fail("samples or loss are wrong");
    auto const said = skipped(report, {first ? "a, b" : "c"}, &group);
    if (said.find("its samples: a, b, c.") == std::string::npos) fail(said);
  });
  for (auto const& failure : failures) CHECK(failure == "");
}
