#pragma once

#include <vcflash/llms/visual_dropping.hpp>

#include <ATen/ops/stack.h>
#include <ATen/ops/topk.h>

#include <algorithm>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "tests/support/golden_models.hpp"

/// The dropping policies of the golden data.
namespace vcflash::test {

inline constexpr DropSchedule after_three{{1, 2, 3}, {1.0, 0.5, 0.25, 0.125}};
inline constexpr DropSchedule after_two{{1, 3}, {1.0, 0.5, 0.25}};

/// Whether a policy is the one that a case {type, layer_list, ratio_list} was computed with.
template <class Policy>
bool is_policy(std::string const& type, std::vector<std::int64_t> const& layers,
               std::vector<double> const& ratios) {
  constexpr DropSchedule schedule = Policy::schedule;
  auto const points = static_cast<std::size_t>(schedule.points);
  std::int64_t const uniform = type == "uniform"              ? schedule.points
                               : type == "uniform1_attention" ? 2
                               : type == "uniform0_attention" ? 1
                                                              : 0;
  return (uniform > 0 || type == "attention") && Policy::uniform_points == uniform &&
         std::ranges::equal(layers, std::span(schedule.layers).first(points)) &&
         std::ranges::equal(ratios, std::span(schedule.kept).first(points + 1));
}

/// Calls `f.template operator()<Policy>()` with the policy of a case.
template <class F>
void with_golden_policy(std::string const& type, std::vector<std::int64_t> const& layers,
                        std::vector<double> const& ratios, F&& f) {
  using Policies = std::tuple<AttentionDropping<after_three>, UniformThenAttention<after_three>,
                              UniformThenAttention<after_three, 2>, UniformDropping<after_three>,
                              AttentionDropping<after_two>>;
  auto const run = [&]<class... P>(std::type_identity<std::tuple<P...>>) {
    int found = 0;
    ((is_policy<P>(type, layers, ratios) ? (f.template operator()<P>(), ++found) : 0), ...);
    return found;
  };
  REQUIRE(run(std::type_identity<Policies>{}) == 1);
}

/// The difference between the best and the second best logit of each step.
inline at::Tensor margins_of(at::Tensor const& logits) {
  at::Tensor const best = std::get<0>(logits.detach().topk(2, -1));
  return best.select(1, 0) - best.select(1, 1);
}

/// Greedy decoding of one conversation after its prompt. \return the logits of each step, the
/// prompt's last first: [1 + steps, vocabulary]
template <class Llm>
at::Tensor decode_greedily(Llm const& llm, at::Tensor const& prompt_logits,
                           typename Llm::Cache& cache, std::int64_t steps) {
  std::vector<at::Tensor> logits{prompt_logits};
  for (std::int64_t step = 0; step < steps; ++step) {
    at::Tensor const id = logits.back().argmax().view({1, 1});
    logits.push_back(llm.logits(llm.hidden_states(llm.embed(id), &cache)[0][-1]));
  }
  return at::stack(logits);
}

/// How many tokens each layer of a cache holds.
template <std::int64_t Layers>
std::vector<std::int64_t> lengths_of(KeyValueCache<Layers> const& cache) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < Layers; ++i) lengths.push_back(cache.tokens(i));
  return lengths;
}

}  // namespace vcflash::test
