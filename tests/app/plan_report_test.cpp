#include <vcflash/app/plan_report.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

namespace {

train::Plan plan() {
  using train::Pass, train::Purpose;
  train::Plan plan{.batch = {.conversations = 2, .frames = 8, .text = 100, .visual = 128},
                   .processes = 4,
                   .micro_batches = 3,
                   .zero = {1},
                   .dtype = at::kBFloat16};
  plan.peak(Purpose::weights, Part::llm) = std::int64_t{5} << 30;
  plan.peak(Purpose::activations, Part::encoder) = std::int64_t{1} << 29;
  plan.peak(Purpose::batch, Part::encoder) = 1 << 20;
  plan.pass_of_peak = Pass::backward;
  plan.kept(Purpose::weights, Part::llm) = std::int64_t{5} << 30;
  plan.work(Pass::forward, Part::llm) = 2e12;
  plan.work(Pass::backward, Part::llm) = 4e12;
  return plan;
}

}  // namespace

TEST_CASE("a plan is told in columns", "[unit]") {
  auto const text = app::to_text(plan(), {}, "mine");
  CHECK_THAT(text, ContainsSubstring("mine: a step of one of 4 processes, ZeRO 1, bfloat16") &&
                       ContainsSubstring("2 conversations of 8 frames (128 visual tokens) and 100 "
                                         "tokens of text") &&
                       ContainsSubstring("3 micro batches a process") &&
                       ContainsSubstring("\nweights                  -           -       5.000") &&
                       ContainsSubstring("\nall                  0.501           -       5.000") &&
                       ContainsSubstring("in the backward pass. 5.000 GiB stay") &&
                       ContainsSubstring("A step takes 18.000 TFLOP a process, 72.000 in all."));
  auto alone = plan();
  alone.processes = alone.micro_batches = 1;
  CHECK_THAT(app::to_text(alone, {}, "mine"),
             ContainsSubstring("a step of one process, bfloat16") &&
                 ContainsSubstring("1 micro batch a process"));
}

TEST_CASE("a plan is told to machines in bytes and operations", "[unit]") {
  train::RunConfig run;
  run.prefetch = 3;
  auto const json = app::to_json(plan(), run, "mine");
  CHECK(json.at("recipe") == "mine");
  CHECK(json.at("processes") == 4);
  CHECK(json.at("peak_bytes").at("weights").at("llm") == std::int64_t{5} << 30);
  CHECK(json.at("peak_bytes").at("activations").at("all") == 1 << 29);
  CHECK(json.at("peak_bytes").at("all") == (std::int64_t{11} << 29) + (1 << 20));
  CHECK(json.at("peak_in") == "backward");
  CHECK(json.at("read_ahead_bytes") == 3 << 20);
  CHECK(json.at("micro_batch_flops").at("backward").at("llm") == 4e12);
  CHECK(json.at("step_flops") == 18e12);
}
