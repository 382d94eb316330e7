#include <vcflash/llms/visual_dropping.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/golden.hpp"

using namespace vcflash;
using Indices = std::vector<std::int64_t>;

TEST_CASE("tokens are spread evenly as torch rounds integers", "[golden]") {
  auto const cases = test::golden_json("model/linspace_long.json").at("cases");
  CHECK_FALSE(cases.empty());
  for (auto const& entry : cases) {
    auto const tokens = entry.at("n").get<std::int64_t>();
    auto const keep = entry.at("keep").get<std::int64_t>();
    CAPTURE(tokens, keep);
    CHECK(evenly_spread(tokens, keep) == entry.at("indices").get<Indices>());
  }
}

TEST_CASE("a schedule says how many tokens are left after each point", "[unit]") {
  constexpr DropSchedule schedule{{8, 16, 24}, {1.0, 0.5, 0.25, 0.125}};
  STATIC_CHECK(schedule.point_after(16) == 1);
  STATIC_CHECK(schedule.point_after(15) == -1);
  STATIC_CHECK(schedule.left_after(2, 37) == 4);
  STATIC_CHECK(schedule.layers_rise() && schedule.ratios_fall_from_one());
  STATIC_CHECK_FALSE(DropSchedule{{8, 8}, {1.0, 0.5, 0.25}}.layers_rise());
  STATIC_CHECK_FALSE(DropSchedule{{8}, {1.0, 1.5}}.ratios_fall_from_one());
}

TEST_CASE("answers begin where a label follows a token without one", "[unit]") {
  constexpr std::int64_t no = ignore_label;
  auto const sequence = labelled_sequence(at::tensor(Indices{no, no, 5, 6, no, 7}), {0, 1});
  CHECK(sequence.length == 6);
  CHECK(sequence.answers_at == Indices{2, 5});
}

TEST_CASE("what stays moves up, what is shorter is padded, and both remember where they stood",
          "[unit]") {
  std::vector<DroppableSequence> const sequences{{6, {1, 2, 3}, {5}}, {4, {0, 1}, {}}};
  vcflash::detail::RowsLeft left(sequences, 6);
  at::Tensor const hidden = at::arange(12, at::kFloat).view({2, 6, 1}) + 1;

  left.keep(0, {2});
  at::Tensor const reduced = left.gather(hidden);
  CHECK(reduced.squeeze(-1).equal(
      at::tensor(std::vector<float>{1, 4, 5, 6, 7, 8, 9, 10}).view({2, 4})));
  CHECK(left.visual(0) == Indices{1});
  CHECK(left.judges(0) == Indices{2});

  left.keep(1, {});
  auto const states = std::move(left).with(left.gather(reduced));
  CHECK(states.states.flatten().equal(at::tensor(std::vector<float>{1, 4, 5, 6, 9, 10, 0, 0})));
  CHECK(states.rows.equal(at::tensor(Indices{0, 3, 4, 5, 2, 3, 6, 6}).view({2, 4})));
  CHECK(states.kept == std::vector<Indices>{{2}, {}});
}
