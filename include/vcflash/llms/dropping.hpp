#pragma once

#include <vcflash/base/error.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/llms/decoder.hpp>
#include <vcflash/llms/language_model.hpp>
#include <vcflash/llms/visual_dropping.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/tensor/aten.hpp>

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace vcflash {

/// A decoder whose later layers do not see all visual tokens. It has the keys of the decoder,
/// passes text as that does, and adds how sequences with visual tokens pass.
///
/// \tparam L a decoder without dropping, of which `pass`, `normalized` and `attention_paid` are
/// used
///
/// \tparam D which tokens are dropped (llms/visual_dropping.hpp)
template <class L, class D>
struct DroppingDecoder : L {
  static_assert(require<(D::schedule.last_layer() < L::facts.layers),
                        Sentence{} << L::name << " has " << L::facts.layers
                                   << " layers, too few to drop visual tokens after layer "
                                   << D::schedule.last_layer()>);

  using Cache = typename L::Cache;
  using Dropping = D;
  using Undropped = L;
  template <class OtherParts>
  using MadeOf = DroppingDecoder<typename L::template MadeOf<OtherParts>, D>;
  template <class Policy>
  using With = typename Policy::template Applied<DroppingDecoder>;

  static constexpr std::int64_t all_layers = L::facts.layers;

  /// `hidden_states`, the visual tokens of each sequence getting fewer on the way.
  /// \param sequences one a row of the batch, which is a single one if there is a cache
  template <class Run = RunDirectly>
  ReducedStates reduced_states(Tensor const& embeddings,
                               std::span<DroppableSequence const> sequences, Cache* cache = nullptr,
                               Run const& run = {}) const {
    if (cache && embeddings.size(0) != 1) {
      fail(std::string_view(L::name), " continues one conversation at a time, not ",
           embeddings.size(0), ", as each loses visual tokens of its own");
    }
    detail::RowsLeft left(sequences, embeddings.size(1));
    Tensor const states = reduce(embeddings, 0, all_layers, left, cache, run);
    return std::move(left).with(this->normalized(states));
  }

  /// Layers whose output for a prefix is the same however a sequence goes on: those before the
  /// first point where attention decides which visual tokens stay.
  static constexpr std::int64_t prefix_layers = [] {
    if (D::uniform_points < D::schedule.points) {
      return D::schedule.layers[static_cast<std::size_t>(D::uniform_points)];
    }
    return all_layers;
  }();

  /// Passes a prefix through these layers.
  /// \param embeddings [1, tokens, hidden]  \param visual where its visual tokens are, ascending
  /// \param cache of a sequence that begins here
  ReducedPrefix prefix_states(Tensor const& embeddings, std::vector<std::int64_t> visual,
                              Cache& cache) const {
    DroppableSequence const sequence{embeddings.size(1), std::move(visual), {}};
    detail::RowsLeft left(std::span(&sequence, 1), embeddings.size(1));
    Tensor const states = reduce(embeddings, 0, prefix_layers, left, &cache, RunDirectly{});
    auto const& kept = left.visual(0);
    return {states, kept, std::ssize(sequence.visual) - std::ssize(kept)};
  }

  /// Goes on from a prefix in several ways, of which none has visual tokens of its own. All lose as
  /// many of the prefix's, each those that matter least to it.
  /// \param rests [batch, tokens, hidden], padded to the right  \param lengths without padding
  /// \param cache what the prefix left, once for each  \return [batch, tokens left, hidden], of
  ///   which the last are the rests'; padded alike
  Tensor states_after(ReducedPrefix const& prefix, Tensor const& rests,
                      std::span<std::int64_t const> lengths, Cache& cache) const {
    Tensor states = this->pass(rests, 0, prefix_layers, &cache, RunDirectly{});
    if constexpr (prefix_layers < all_layers) {
      std::int64_t before = 0;
      if (prefix.states.defined()) {
        before = prefix.states.size(1);
        states = aten::cat({prefix.states.expand({rests.size(0), -1, -1}), states}, 1);
      }
      std::vector<DroppableSequence> sequences;
      for (std::int64_t const length : lengths) {
        sequences.push_back({before + length, prefix.visual, {before + length}, prefix.dropped});
      }
      detail::RowsLeft left(sequences, states.size(1));
      drop(left, prefix_layers, states, &cache);
      states = reduce(states, prefix_layers, all_layers, left, &cache, RunDirectly{});
    }
    return this->normalized(states);
  }

 private:
  /// The same, visual tokens being dropped behind each of these layers but the last. With a cache,
  /// long inputs pass in parts between two points, so that what a layer holds at a time stays
  /// small.
  template <class Run>
  Tensor reduce(Tensor states, std::int64_t from, std::int64_t to, detail::RowsLeft& left,
                Cache* cache, Run const& run) const {
    constexpr std::int64_t part = 1024;
    while (from < to) {
      std::int64_t until = from + 1;
      while (until < to && D::schedule.point_after(until) < 0) ++until;
      std::int64_t const tokens = states.size(1);
      if (cache && tokens > part) {
        std::vector<Tensor> parts;
        for (std::int64_t first = 0; first < tokens; first += part) {
          parts.push_back(this->pass(states.narrow(1, first, std::min(part, tokens - first)), from,
                                     until, cache, run));
        }
        states = aten::cat(parts, 1);
      } else {
        states = this->pass(states, from, until, cache, run);
      }
      if (until < to) drop(left, until, states, cache);
      from = until;
    }
    return states;
  }

  /// Drops what is to be dropped after a layer.
  /// \param layer counted from 1  \param states its output, which gets shorter
  void drop(detail::RowsLeft& left, std::int64_t layer, Tensor& states, Cache* cache) const {
    std::int64_t const point = D::schedule.point_after(layer);
    if (point < 0) return;
    for (std::size_t s = 0; s < left.sequences(); ++s) {
      auto const visual = std::ssize(left.visual(s));
      std::int64_t const keep = D::schedule.left_after(point, left.visual_at_first(s));
      if (keep >= visual) continue;
      if (point < D::uniform_points) {
        left.keep(s, evenly_spread(visual, keep));
      } else if (auto const judges = left.judges(s); !judges.empty()) {
        auto const row = states.narrow(0, static_cast<std::int64_t>(s), 1);
        left.keep(s, most_attended(row, left.visual(s), judges, keep, layer, cache));
      }
    }
    std::int64_t const before = states.size(1);
    states = left.gather(states);
    if (cache) cache->drop(layer, before - states.size(1));
  }

  /// Which visual tokens of one sequence the judges look at most, in the eyes of the next layer.
  /// \param row [1, tokens, hidden]  \param layer the next, counted from 0
  /// \return indices into `visual`, ascending
  std::vector<std::int64_t> most_attended(Tensor const& row,
                                          std::vector<std::int64_t> const& visual,
                                          std::vector<std::int64_t> const& judges,
                                          std::int64_t keep, std::int64_t layer,
                                          Cache* cache) const {
    at::NoGradGuard const no_grad;
    std::int64_t const past = cache ? cache->tokens(layer) : 0;
    auto const on_device = [&](std::vector<std::int64_t> const& values) {
      Tensor const tensor = aten::empty({std::ssize(values)}, at::kLong);
      std::ranges::copy(values, tensor.mutable_data_ptr<std::int64_t>());
      return sent_to(tensor, row.device());
    };
    Tensor const paid = this->attention_paid(row, on_device(judges), layer, cache);
    Tensor const score = paid.index_select(1, on_device(visual) + past).mean(0);
    Tensor const best = std::get<1>(score.topk(keep)).to(at::kCPU);
    auto const* const first = best.const_data_ptr<std::int64_t>();
    std::vector<std::int64_t> kept(first, first + keep);
    std::ranges::sort(kept);
    return kept;
  }
};

template <DropSchedule S, std::int64_t UniformPoints>
template <class L>
struct VisualDropping<S, UniformPoints>::On {
  using type = DroppingDecoder<typename L::Undropped, VisualDropping>;
};

}  // namespace vcflash
