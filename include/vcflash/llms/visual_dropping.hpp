#pragma once

#include <vcflash/base/vocabulary.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

/// Visual token dropping (upstream's mm_llm_compress): after chosen layers of an LLM only the best
/// visual tokens stay. Which layers, how many tokens and what is best is a policy of the LLM's
/// type.
namespace vcflash {

/// After which layers visual tokens are dropped, and which part of them is kept before the first
/// of these layers' ends, between them, and after the last.
struct DropSchedule {
  std::array<std::int64_t, 8> layers{};  ///< counted from 1
  std::array<double, 9> kept{};
  std::int64_t points = 0, ratios = 0;

  template <std::size_t L, std::size_t R>
  requires(L <= 8 && R <= 9) consteval DropSchedule(std::int64_t const (&after)[L],
                                                    double const (&keep)[R])
      : points(L), ratios(R) {
    for (std::size_t i = 0; i < L; ++i) layers[i] = after[i];
    for (std::size_t i = 0; i < R; ++i) kept[i] = keep[i];
  }

  /// Which point of the schedule comes after a layer; -1 if none.
  constexpr std::int64_t point_after(std::int64_t layer) const {
    for (std::int64_t i = 0; i < points; ++i) {
      if (layers[static_cast<std::size_t>(i)] == layer) return i;
    }
    return -1;
  }
  /// How many of `tokens` visual tokens are left after a point.
  constexpr std::int64_t left_after(std::int64_t point, std::int64_t tokens) const {
    return static_cast<std::int64_t>(static_cast<double>(tokens) *
                                     kept[static_cast<std::size_t>(point) + 1]);
  }
  constexpr std::int64_t last_layer() const {
    return points > 0 ? layers[static_cast<std::size_t>(points) - 1] : 0;
  }
  constexpr bool layers_rise() const {
    for (std::size_t i = 0; i < static_cast<std::size_t>(points); ++i) {
      if (layers[i] <= (i > 0 ? layers[i - 1] : 0)) return false;
    }
    return true;
  }
  constexpr bool ratios_fall_from_one() const {
    for (std::size_t i = 0; i < static_cast<std::size_t>(ratios); ++i) {
      if (kept[i] < 0 || kept[i] > (i > 0 ? kept[i - 1] : 1)) return false;
    }
    return kept[0] == 1;
  }
};

/// Every layer sees every visual token.
struct NoDropping {
  static constexpr bool drops = false;
  template <class L>
  using Applied = typename L::Undropped;
};

/// Keeps tokens evenly spread at the first `UniformPoints` points of the schedule, and those that
/// are attended to most at the others.
template <DropSchedule S, std::int64_t UniformPoints>
struct VisualDropping {
  static_assert(
      require<S.ratios == S.points + 1, Sentence{} << "visual tokens are dropped after " << S.points
                                                   << " layers, which takes " << S.points + 1
                                                   << " ratios, not " << S.ratios>);
  static_assert(require<S.layers_rise(), Sentence{} << "the layers after which visual tokens are"
                                                       " dropped do not rise from 1">);
  static_assert(require<S.ratios_fall_from_one(), Sentence{} << "the ratios of visual tokens that"
                                                                " are kept do not fall from 1">);

  static constexpr bool drops = true;
  static constexpr DropSchedule schedule = S;
  static constexpr std::int64_t uniform_points = UniformPoints;

  template <class L>
  struct On;  // llms/dropping.hpp
  template <class L>
  using Applied = typename On<L>::type;
};

/// Upstream's `attention`.
template <DropSchedule S>
using AttentionDropping = VisualDropping<S, 0>;
/// Upstream's `uniform0_attention` (1 point) and `uniform1_attention` (2).
template <DropSchedule S, std::int64_t UniformPoints = 1>
using UniformThenAttention = VisualDropping<S, UniformPoints>;
/// Upstream's `uniform`.
template <DropSchedule S>
using UniformDropping = VisualDropping<S, S.points>;

/// `count` of `tokens` indices, evenly spread from the first to the last, as torch's integer
/// linspace rounds them.
inline std::vector<std::int64_t> evenly_spread(std::int64_t tokens, std::int64_t count) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count), 0);
  auto const last = static_cast<double>(tokens - 1);
  double const step = count > 1 ? last / static_cast<double>(count - 1) : 0;
  for (std::int64_t i = 0; i < count && count > 1; ++i) {
    double const place = i < count / 2 ? step * static_cast<double>(i)
                                       : last - step * static_cast<double>(count - 1 - i);
    indices[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(place);
  }
  return indices;
}

/// One sequence of a batch, to an LLM that drops visual tokens.
struct DroppableSequence {
  std::int64_t length = 0;               ///< tokens without padding
  std::vector<std::int64_t> visual;      ///< where its visual tokens are, ascending
  std::vector<std::int64_t> answers_at;  ///< where answers begin; `length`: an answer to come
  std::int64_t dropped = 0;              ///< visual tokens that it had and that are dropped already
};

/// A sequence to be learned from: the tokens before its answers judge.
/// \param labels [tokens] int64 on the CPU, without padding
inline DroppableSequence labelled_sequence(Tensor const& labels, std::vector<std::int64_t> visual) {
  DroppableSequence sequence{labels.size(0), std::move(visual), {}};
  Tensor const row = labels.contiguous();
  std::int64_t const* const label = row.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < sequence.length; ++i) {
    bool const begins = label[i] != ignore_label && (i == 0 || label[i - 1] == ignore_label);
    if (begins) sequence.answers_at.push_back(i);
  }
  return sequence;
}

/// What sequences begin with alike, as far as an LLM that drops visual tokens takes it before it
/// knows how they go on: to the first point where attention decides.
struct ReducedPrefix {
  Tensor states{};                     ///< [1, tokens left, hidden] after the layers before
  std::vector<std::int64_t> visual{};  ///< where its visual tokens are, ascending
  std::int64_t dropped = 0;            ///< visual tokens that are dropped already
};

/// What left an LLM that drops visual tokens.
struct ReducedStates {
  Tensor states;  ///< [batch, tokens left, hidden], padded to the right
  Tensor
      rows;  ///< [batch, tokens left] int64 on the CPU: where each token stood; padding, past all
  /// For each sequence that was reduced at a point, in turn: which of its visual tokens stayed.
  std::vector<std::vector<std::int64_t>> kept;

  /// The labels of the tokens that are left.
  /// \param labels [batch, tokens] int64 on the CPU  \return [batch, tokens left], padding ignored
  Tensor labels_left(Tensor const& labels) const {
    return aten::cat({labels, aten::full({labels.size(0), 1}, ignore_label, labels.options())}, 1)
        .gather(1, rows);
  }
};

namespace detail {

/// Keeps account of which tokens of a batch are left.
class RowsLeft {
 public:
  RowsLeft(std::span<DroppableSequence const> sequences, std::int64_t tokens)
      : original_tokens_(tokens) {
    for (auto const& sequence : sequences) {
      auto& row = rows_.emplace_back();
      row.now = sequence;
      row.visual_at_first = std::ssize(sequence.visual) + sequence.dropped;
      row.original.resize(static_cast<std::size_t>(tokens));
      std::iota(row.original.begin(), row.original.end(), 0);
    }
    forget_moves();
  }

  std::size_t sequences() const { return rows_.size(); }
  std::vector<std::int64_t> const& visual(std::size_t s) const { return rows_[s].now.visual; }
  std::int64_t visual_at_first(std::size_t s) const { return rows_[s].visual_at_first; }

  /// The tokens before answers, whose attention decides.
  std::vector<std::int64_t> judges(std::size_t s) const {
    std::vector<std::int64_t> judges;
    for (std::int64_t const at : rows_[s].now.answers_at) {
      if (at > 0) judges.push_back(at - 1);
    }
    return judges;
  }

  /// Drops all visual tokens of a sequence but these.
  /// \param kept indices among its visual tokens, ascending
  void keep(std::size_t s, std::vector<std::int64_t> const& kept) {
    auto& row = rows_[s];
    std::vector<bool> dropped(row.original.size(), false);
    for (std::int64_t const v : row.now.visual) dropped[static_cast<std::size_t>(v)] = true;
    for (std::int64_t const k : kept) {
      dropped[static_cast<std::size_t>(row.now.visual[static_cast<std::size_t>(k)])] = false;
    }
    std::vector<std::int64_t> place, moved_from, original;  // place: where a token goes
    for (std::size_t i = 0; i < dropped.size(); ++i) {
      place.push_back(std::ssize(moved_from));
      if (dropped[i]) continue;
      moved_from.push_back(row.moved_from[i]);
      original.push_back(row.original[i]);
    }
    place.push_back(std::ssize(moved_from));
    auto const put = [&](std::int64_t& at) { at = place[static_cast<std::size_t>(at)]; };
    std::erase_if(row.now.visual,
                  [&](std::int64_t v) { return dropped[static_cast<std::size_t>(v)]; });
    std::ranges::for_each(row.now.visual, put);
    std::ranges::for_each(row.now.answers_at, put);
    put(row.now.length);
    row.moved_from = std::move(moved_from);
    row.original = std::move(original);
    kept_.push_back(kept);
  }

  /// The hidden states of the tokens that are left, zeros behind the shorter sequences.
  /// \param hidden [batch, tokens, hidden] before `keep` was called
  Tensor gather(Tensor const& hidden) {
    std::int64_t const batch = hidden.size(0), tokens = hidden.size(1), width = hidden.size(2);
    std::int64_t longest = 0;
    for (auto const& row : rows_) longest = std::max(longest, row.now.length);
    Tensor const index = aten::empty({batch, longest}, at::kLong);
    auto* place = index.mutable_data_ptr<std::int64_t>();
    for (std::size_t s = 0; s < rows_.size(); ++s) {
      auto& row = rows_[s];
      std::int64_t const before = static_cast<std::int64_t>(s) * tokens;
      for (std::size_t i = 0; i < static_cast<std::size_t>(longest); ++i) {
        *place++ = i < row.moved_from.size() ? before + row.moved_from[i] : batch * tokens;
      }
      row.original.resize(static_cast<std::size_t>(longest), original_tokens_);
    }
    forget_moves();
    Tensor const table =
        aten::cat({hidden.flatten(0, 1), aten::zeros({1, width}, hidden.options())});
    return table.index_select(0, sent_to(index.flatten(), hidden.device()))
        .view({batch, longest, width});
  }

  ReducedStates with(Tensor states) && {
    Tensor const rows = aten::empty({states.size(0), states.size(1)}, at::kLong);
    auto* place = rows.mutable_data_ptr<std::int64_t>();
    for (auto const& row : rows_) place = std::ranges::copy(row.original, place).out;
    return {std::move(states), rows, std::move(kept_)};
  }

 private:
  struct Row {
    DroppableSequence now;
    std::vector<std::int64_t> original;    ///< where each token stood at first
    std::vector<std::int64_t> moved_from;  ///< where each token stands in the hidden states
    std::int64_t visual_at_first = 0;
  };

  void forget_moves() {
    for (auto& row : rows_) {
      row.moved_from.resize(row.original.size());
      std::iota(row.moved_from.begin(), row.moved_from.end(), 0);
    }
  }

  std::vector<Row> rows_;
  std::vector<std::vector<std::int64_t>> kept_;
  std::int64_t original_tokens_;
};

}  // namespace detail

}  // namespace vcflash
