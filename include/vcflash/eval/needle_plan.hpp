#pragma once

#include <vcflash/eval/needle_run.hpp>
#include <vcflash/planning/dry_run.hpp>
#include <vcflash/tensor/aten.hpp>

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

/// What looking for needles takes, found by doing it on LibTorch's `meta` device.
namespace vcflash::eval::needle {

/// The most memory that a search takes, in bytes.
struct MemoryPlan {
  std::int64_t frames = 0;         ///< of the haystack that makes the longest input
  std::int64_t visual_tokens = 0;  ///< of the haystack's seconds and of all needles
  std::int64_t input_tokens = 0;   ///< of the longest input
  std::int64_t weights = 0;
  std::int64_t visual = 0;       ///< of the visual tokens
  std::int64_t cache = 0;        ///< keys and values of the longest input
  std::int64_t activations = 0;  ///< of what is encoded, or passes the LLM, at a time
  std::int64_t pictures = 0;     ///< decoded frames

  std::int64_t total() const { return weights + visual + cache + activations + pictures; }
};

/// What is planned.
struct PlannedSearch {
  Case const* longest = nullptr;  ///< the case that has the longest input
  std::int64_t seconds = 0;       ///< of the haystack; see haystack_seconds
  std::int64_t needles = 0;       ///< of all rows
  int height = 0, width = 0;      ///< of the video, in pixels
};

namespace detail {

/// As many visual tokens dropped, without asking which matter.
template <class D>
struct EvenlyDropping {
  using type = VisualDropping<D::schedule, D::schedule.points>;
};

/// A model that needs as much memory as `M`, and decides without seeing anything.
template <Model M>
struct Planned {
  using type = M;
};
template <Model M>
requires DropsVisualTokens<typename M::Llm>
struct Planned<M> {
  struct type : M {
    using Llm =
        typename M::Llm::template With<typename EvenlyDropping<typename M::Llm::Dropping>::type>;
    using Network = VideoChat<typename M::Encoder, typename M::Connector, Llm>;
  };
};

/// Tokens that all layers together hold of an input.
template <LanguageModel L>
std::int64_t cached_tokens(std::int64_t tokens, std::int64_t visual) {
  std::int64_t sum = 0, left = visual;
  for (std::int64_t layer = 0; layer < L::facts.layers; ++layer) {
    if constexpr (DropsVisualTokens<L>) {
      auto const point = L::Dropping::schedule.point_after(layer);
      if (point >= 0) left = L::Dropping::schedule.left_after(point, visual);
    }
    sum += tokens - visual + left;
  }
  return sum;
}

}  // namespace detail

/// The memory of a search. Nothing is loaded, and none of that memory is used.
/// \param dtype of the weights
template <Model M>
MemoryPlan plan_memory(PlannedSearch const& search, at::ScalarType dtype) {
  using P = typename detail::Planned<M>::type;
  using Llm = typename P::Llm;
  at::NoGradGuard const no_grad;
  Case const& asked = *search.longest;
  MemoryPlan plan;
  plan.frames = asked.frames;
  plan.visual_tokens = search.seconds * frame_tokens<M>() + search.needles * clip_tokens<M>();
  plan.input_tokens = input_tokens<M>(asked);
  constexpr std::int64_t side = M::Encoder::resolution;
  // One part is decoded while the part before it is looked at.
  plan.pictures =
      haystack_part * 3 * (std::int64_t{search.height} * search.width + 2 * side * side);

  planning::DryRun run;
  auto const options = at::TensorOptions(dtype).device(at::kMeta);
  run.makes(planning::Purpose::weights, Part::llm);
  typename P::Network network;
  for (auto const& parameter : parameters_of(network)) {
    *parameter.value = aten::empty(parameter.shape, options.dtype(parameter.dtype_in(dtype)));
  }
  plan.weights = run.now().total();

  run.makes(planning::Purpose::activations, Part::llm);
  Tensor const haystack = aten::empty({search.seconds * frame_tokens<M>(), Llm::hidden}, options);
  {
    Medium const part{
        .modality = Modality::video,
        .pixels = aten::empty({std::min(haystack_part, search.seconds), 3, side, side},
                              options.dtype(at::kFloat))};
    Medium const* const media = &part;
    network.visual_tokens(std::span(&media, 1));
  }
  std::vector<Tensor> const needles{
      aten::empty({search.needles * clip_tokens<M>(), Llm::hidden}, options)};
  plan.visual = run.now().total() - plan.weights;
  std::int64_t visual = 0;
  for (Piece const& piece : asked.layout) {
    if (piece.kind == Piece::Kind::hay) visual += (piece.to - piece.from) * frame_tokens<M>();
    if (piece.kind == Piece::Kind::needle) visual += clip_tokens<M>();
  }
  constexpr auto llm = Llm::facts;
  plan.cache = 2 * llm.kv_heads * llm.head_dim *
               detail::cached_tokens<Llm>(plan.input_tokens, visual) *
               static_cast<std::int64_t>(options.dtype().itemsize());
  Search<P>(network, haystack, needles, std::vector<std::int64_t>(asked.row + 1, 0),
            plan.input_tokens)
      .states(asked);
  plan.activations = run.peak().total() - plan.weights - plan.visual - plan.cache;
  return plan;
}

}  // namespace vcflash::eval::needle
