#pragma once

#include <vcflash/infer/generate.hpp>
#include <vcflash/layers/stacked_cache.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace vcflash::infer {

namespace detail {

/// Prompts that are answered side by side, each a row of one cache. The rows end together, the
/// shorter ones padded to the left.
template <LanguageModel L>
class AnswerBatch {
 public:
  using Cache = typename L::Cache;

  AnswerBatch(L const& llm, Cache& shared, std::span<Tensor const> rests,
              GenerateOptions const& options, std::size_t rows)
      : llm_(llm),
        shared_(shared),
        shared_tokens_(shared.tokens()),
        rests_(rests),
        options_(options),
        rows_(std::min(rows, rests.size()), Row(options.sampling)) {
    for (Tensor const& rest : rests) longest_ = std::max(longest_, shared_tokens_ + rest.size(1));
  }

  template <class OnAnswer>
  void run(OnAnswer&& on_answer) {
    while (true) {
      for (std::size_t r = 0; r < rows_.size(); ++r) {
        while (!rows_[r].busy && next_ < rests_.size()) begin_next(r, on_answer);
      }
      if (std::ranges::none_of(rows_, &Row::busy)) return;
      drop_idle();
      step(on_answer);
    }
  }

 private:
  struct Row {
    explicit Row(Sampling const& sampling) : sampler(sampling) {}

    Sampler sampler;
    bool busy = false;
    std::size_t prompt = 0;
    std::vector<std::int64_t> ids{};
    std::int64_t padding = 0;
  };

  /// What the sampler needs of the states' last tokens: the likeliest ids [rows], or the logits
  /// [rows, vocabulary], on the CPU.
  Tensor judged(Tensor const& states) const {
    Tensor const all = llm_.logits(states.select(1, states.size(1) - 1));
    Tensor const logits = all.narrow(1, 0, std::min(options_.vocabulary, all.size(1)));
    return options_.sampling.plain() ? logits.argmax(-1).to(at::kCPU)
                                     : logits.to(at::kCPU, at::kFloat).contiguous();
  }

  /// Chooses a row's next token and ends its answer if that is its end.
  /// \param place of the row in what was judged
  template <class OnAnswer>
  void take(Row& row, Tensor const& judged, std::size_t place, OnAnswer&& on_answer) {
    std::int64_t id = 0;
    if (options_.sampling.plain()) {
      id = judged.const_data_ptr<std::int64_t>()[place];
    } else {
      auto const width = static_cast<std::size_t>(judged.size(1));
      id = row.sampler.choose(std::span(judged.const_data_ptr<float>() + place * width, width),
                              row.ids);
    }
    bool const stops = std::ranges::find(options_.stop_ids, id) != options_.stop_ids.end();
    if (!stops) row.ids.push_back(id);
    row.busy = !stops && std::ssize(row.ids) < options_.max_new_tokens;
    if (!row.busy) on_answer(row.prompt, row.ids);
  }

  /// Computes the next prompt by itself, behind what all begin with, and puts it in a free row.
  template <class OnAnswer>
  void begin_next(std::size_t r, OnAnswer&& on_answer) {
    Row& row = rows_[r] = Row(options_.sampling);
    row.prompt = next_++;
    Tensor const states = llm_.hidden_states(rests_[row.prompt], &shared_);
    take(row, judged(states), 0, on_answer);
    if (row.busy) {
      if (cache_.tokens() == 0) cache_ = blank_cache(shared_, std::ssize(rows_), longest_);
      row.padding = cache_.tokens() - shared_.tokens();
      copy_stretch(CacheStretch<Cache>{&shared_, 0, 0, shared_.tokens()}, cache_,
                   static_cast<std::int64_t>(r), row.padding);
    }
    shared_.truncate(shared_tokens_);
  }

  /// Makes the cache smaller if much of it is of no use: rows without a prompt, or padding that
  /// all rows have.
  void drop_idle() {
    constexpr std::int64_t most_padding = 256;
    std::int64_t tokens = next_ < rests_.size() ? longest_ : 0;
    for (Row const& row : rows_) {
      if (row.busy) tokens = std::max(tokens, cache_.tokens() - row.padding);
    }
    auto const idle = std::ranges::count(rows_, false, &Row::busy);
    if (2 * idle < std::ssize(rows_) && cache_.tokens() - tokens < most_padding) return;
    std::vector<CacheStretch<Cache>> stretches;
    std::vector<Row> busy;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      Row& row = rows_[r];
      if (!row.busy) continue;
      stretches.push_back(
          {&cache_, static_cast<std::int64_t>(r), row.padding, cache_.tokens() - row.padding});
      row.padding = tokens - stretches.back().tokens;
      busy.push_back(std::move(row));
    }
    cache_ = stacked(stretches, tokens);
    rows_ = std::move(busy);
  }

  template <class OnAnswer>
  void step(OnAnswer&& on_answer) {
    Tensor const ids = at::zeros({std::ssize(rows_), 1}, at::kLong);
    std::vector<std::int64_t> padding;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      if (rows_[r].busy) ids.mutable_data_ptr<std::int64_t>()[r] = rows_[r].ids.back();
      padding.push_back(rows_[r].busy ? rows_[r].padding : cache_.tokens());
    }
    bool const padded = std::ranges::any_of(padding, [](std::int64_t p) { return p > 0; });
    cache_.pad_left(padded ? std::move(padding) : std::vector<std::int64_t>());
    Tensor const next = ids.to(rests_.front().device());
    Tensor const found = judged(llm_.hidden_states(llm_.embed(next), &cache_));
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      if (rows_[r].busy) take(rows_[r], found, r, on_answer);
    }
  }

  L const& llm_;
  Cache& shared_;
  std::int64_t shared_tokens_, longest_ = 0;
  std::span<Tensor const> rests_;
  GenerateOptions const& options_;
  std::vector<Row> rows_;
  std::size_t next_ = 0;
  Cache cache_;
};

}  // namespace detail

/// Answers prompts that begin alike, several in one batch; a finished one makes room for the next.
/// In fp32 the answers are those of `generate`; in a narrower type sums that are added up in
/// another order may tip a close decision.
/// \param shared what all begin with, computed already; it is given back as it was
/// \param rests what follows in each: [1, tokens, hidden] of at least one token
/// \param rows most prompts at a time, each with a copy of what is shared
/// \param on_answer called as `on_answer(prompt, ids)` as soon as an answer is whole
template <LanguageModel L, class OnAnswer>
requires(!DropsVisualTokens<L>) void generate_batch(L const& llm, typename L::Cache& shared,
                                                    std::span<Tensor const> rests,
                                                    GenerateOptions const& options,
                                                    std::int64_t rows, OnAnswer&& on_answer) {
  at::NoGradGuard const no_grad;
  if (options.max_new_tokens <= 0) {
    std::vector<std::int64_t> const nothing;
    for (std::size_t prompt = 0; prompt < rests.size(); ++prompt) on_answer(prompt, nothing);
    return;
  }
  detail::AnswerBatch<L> batch(llm, shared, rests, options, static_cast<std::size_t>(rows));
  batch.run(on_answer);
}

}  // namespace vcflash::infer
