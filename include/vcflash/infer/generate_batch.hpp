#pragma once

#include <vcflash/infer/generate.hpp>
#include <vcflash/layers/stacked_cache.hpp>
#include <vcflash/tensor/aten.hpp>

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace vcflash::infer {

/// What prompts begin with alike, computed once, as far as it does not depend on how they go on.
template <LanguageModel L>
struct SharedPrefix {
  typename L::Cache cache{};
  ReducedPrefix reduced{};  ///< of an LLM that drops visual tokens

  SharedPrefix() = default;
  /// \param beginning at least one token, and all visual tokens of the prompts
  SharedPrefix(L const& llm, Prompt const& beginning) {
    at::NoGradGuard const no_grad;
    if constexpr (DropsVisualTokens<L>) {
      reduced = llm.prefix_states(beginning.embeddings, beginning.visual, cache);
    } else {
      llm.hidden_states(beginning.embeddings, &cache);
    }
  }
};

namespace detail {

/// What tokens are chosen by, on the CPU.
struct Judged {
  Tensor logits;       ///< [rows, vocabulary] fp32; of the likeliest tokens alone [rows, 1]
  Tensor likeliest{};  ///< [rows, 1] int64, where the sampler asks for no more
};

/// Prompts that are answered side by side, each a row of one cache: the prefix, padding, then what
/// is the row's own. The rows end together.
template <LanguageModel L>
class AnswerBatch {
 public:
  using Cache = typename L::Cache;

  AnswerBatch(L const& llm, SharedPrefix<L> const& prefix, std::span<Tensor const> rests,
              GenerateOptions const& options, std::size_t rows)
      : llm_(llm),
        prefix_(prefix),
        rests_(rests),
        options_(options),
        rows_(std::min(rows, rests.size()), Row(options.sampling, 0)),
        order_(rests.size()) {
    // The longest come first: those that follow find room in what is there.
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::stable_sort(order_, std::greater{},
                             [&](std::size_t prompt) { return length(prompt); });
  }

  template <class OnAnswer>
  void run(OnAnswer&& on_answer) {
    while (true) {
      while (next_ < order_.size() && !std::ranges::all_of(rows_, &Row::busy)) fill(on_answer);
      if (std::ranges::none_of(rows_, &Row::busy)) return;
      drop_idle();
      step(on_answer);
    }
  }

 private:
  struct Row {
    Row(Sampling sampling, std::size_t prompt)
        : sampler(seeded(sampling, prompt)), prompt(prompt) {}

    static Sampling seeded(Sampling sampling, std::size_t prompt) {
      sampling.seed = seed_of_answer(sampling.seed, prompt);
      return sampling;
    }

    Sampler sampler;
    bool busy = false;
    std::size_t prompt;
    std::vector<std::int64_t> ids{};
    std::int64_t padding = 0;
  };

  std::int64_t length(std::size_t prompt) const { return rests_[prompt].size(1); }

  /// \param states [rows, hidden]
  Judged judged(Tensor const& states) const {
    Tensor const all = llm_.logits(states);
    Tensor const logits = all.narrow(1, 0, std::min(options_.vocabulary, all.size(1)));
    if (!options_.sampling.plain()) return {logits.to(at::kCPU, at::kFloat).contiguous()};
    Tensor const likeliest = logits.argmax(-1, /*keepdim=*/true);
    return {logits.gather(1, likeliest).to(at::kCPU, at::kFloat), likeliest.to(at::kCPU)};
  }

  /// Chooses a row's next token and ends its answer if that is its end.
  /// \param place of the row in what was judged
  template <class OnAnswer>
  void take(Row& row, Judged const& judged, std::size_t place, OnAnswer&& on_answer) {
    auto const width = static_cast<std::size_t>(judged.logits.size(1));
    std::span const logits(judged.logits.const_data_ptr<float>() + place * width, width);
    std::int64_t id = 0;
    if (judged.likeliest.defined()) {
      require_number(logits.front());
      id = judged.likeliest.const_data_ptr<std::int64_t>()[place];
    } else {
      id = row.sampler.choose(logits, row.ids);
    }
    bool const stops = std::ranges::find(options_.stop_ids, id) != options_.stop_ids.end();
    if (!stops) row.ids.push_back(id);
    // The last token has no position yet.
    std::int64_t const said = std::ssize(row.ids);
    std::int64_t const positions = prefix_.cache.tokens() + length(row.prompt) + said - 1;
    row.busy =
        !stops && said < options_.max_new_tokens && positions < facts_now(llm_).longest_input();
    if (!row.busy) on_answer(row.prompt, row.ids);
  }

  /// Gives the free rows the next prompts, all of which pass the LLM together.
  template <class OnAnswer>
  void fill(OnAnswer&& on_answer) {
    bool const anew = std::ranges::none_of(rows_, &Row::busy);
    std::size_t const left = order_.size() - next_;
    if (anew) {
      auto const kept = std::min(rows_.size(), left);
      rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(kept), rows_.end());
    }
    std::vector<std::size_t> filled;
    std::vector<std::int64_t> lengths;
    for (std::size_t r = 0; r < rows_.size() && filled.size() < left; ++r) {
      if (rows_[r].busy) continue;
      rows_[r] = Row(options_.sampling, order_[next_++]);
      filled.push_back(r);
      lengths.push_back(length(rows_[r].prompt));
    }
    std::int64_t const longest = lengths.front();
    Tensor const& like = rests_.front();
    Tensor const batch = aten::zeros({std::ssize(filled), longest, like.size(2)}, like.options());
    for (std::size_t i = 0; i < filled.size(); ++i) {
      batch[static_cast<std::int64_t>(i)]
          .narrow(0, 0, lengths[i])
          .copy_(rests_[rows_[filled[i]].prompt][0]);
    }
    Cache fresh = repeated(prefix_.cache, std::ssize(filled));
    Judged const found = judged(last_states(batch, lengths, fresh));
    for (std::size_t i = 0; i < filled.size(); ++i) take(rows_[filled[i]], found, i, on_answer);
    if (anew) {
      cache_ = std::move(fresh);
      own_ = longest;
      align_right(cache_, lengths, own_);
    }
    for (std::size_t i = 0; i < filled.size(); ++i) {
      Row& row = rows_[filled[i]];
      row.padding = own_ - lengths[i];
      if (!anew && row.busy) {
        put_row(fresh, static_cast<std::int64_t>(i), longest, lengths[i], cache_,
                static_cast<std::int64_t>(filled[i]));
      }
    }
  }

  /// The states that decide what each prompt's answer begins with.
  /// \param rests [rows, tokens, hidden], padded to the right  \return [rows, hidden]
  Tensor last_states(Tensor const& rests, std::vector<std::int64_t> const& lengths,
                     Cache& cache) const {
    Tensor states;
    if constexpr (DropsVisualTokens<L>) {
      states = llm_.states_after(prefix_.reduced, rests, lengths, cache);
    } else {
      states = llm_.hidden_states(rests, &cache);
    }
    std::int64_t const before = states.size(1) - rests.size(1);
    std::vector<Tensor> last;
    for (std::int64_t const length : lengths) {
      last.push_back(states[std::ssize(last)][before + length - 1]);
    }
    return aten::stack(last);
  }

  /// Makes the cache smaller if much of it is of no use: rows without a prompt, or padding that
  /// all rows have.
  void drop_idle() {
    constexpr std::int64_t most_padding = 256;
    std::int64_t cut = next_ < order_.size() ? own_ - length(order_[next_]) : own_;
    std::vector<std::int64_t> busy;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      if (!rows_[r].busy) continue;
      busy.push_back(static_cast<std::int64_t>(r));
      cut = std::min(cut, rows_[r].padding);
    }
    if (std::ssize(rows_) < 2 * std::ssize(busy) && cut < most_padding) return;
    cache_ = some_rows(cache_, busy, own_, cut);
    own_ -= cut;
    std::erase_if(rows_, [](Row const& row) { return !row.busy; });
    for (Row& row : rows_) row.padding -= cut;
  }

  template <class OnAnswer>
  void step(OnAnswer&& on_answer) {
    Tensor const ids = aten::zeros({std::ssize(rows_), 1}, at::kLong);
    std::vector<std::int64_t> padding;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      if (rows_[r].busy) ids.mutable_data_ptr<std::int64_t>()[r] = rows_[r].ids.back();
      padding.push_back(rows_[r].busy ? rows_[r].padding : own_);
    }
    bool const padded = std::ranges::any_of(padding, [](std::int64_t p) { return p > 0; });
    cache_.pad_left(padded ? std::move(padding) : std::vector<std::int64_t>(), own_);
    Tensor const next = ids.to(rests_.front().device());
    Judged const found = judged(llm_.hidden_states(llm_.embed(next), &cache_).select(1, 0));
    ++own_;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      if (rows_[r].busy) take(rows_[r], found, r, on_answer);
    }
  }

  L const& llm_;
  SharedPrefix<L> const& prefix_;
  std::span<Tensor const> rests_;
  GenerateOptions const& options_;
  std::vector<Row> rows_;
  std::vector<std::size_t> order_;  ///< in which prompts are asked
  std::size_t next_ = 0;
  Cache cache_;
  std::int64_t own_ = 0;  ///< tokens of every layer of the cache that are not of the prefix
};

}  // namespace detail

/// Answers prompts that begin alike, several in one batch; a finished one makes room for the next.
/// In fp32 the answers are those of `generate`, each drawn by a seed of its own
/// (`seed_of_answer`); in a narrower type sums that are added up in another order may tip a close
/// decision.
/// \param prefix what all begin with
/// \param rests what follows in each: [1, tokens, hidden] of at least one token, without visual
///   ones
/// \param rows most prompts at a time, each with a copy of the prefix
/// \param on_answer called as `on_answer(prompt, ids)` as soon as an answer is whole
/// \throws NotNumbers if the model's logits are none
template <LanguageModel L, class OnAnswer>
void generate_batch(L const& llm, SharedPrefix<L> const& prefix, std::span<Tensor const> rests,
                    GenerateOptions const& options, std::int64_t rows, OnAnswer&& on_answer) {
  at::NoGradGuard const no_grad;
  if (options.max_new_tokens <= 0) {
    std::vector<std::int64_t> const nothing;
    for (std::size_t prompt = 0; prompt < rests.size(); ++prompt) on_answer(prompt, nothing);
    return;
  }
  detail::AnswerBatch<L> batch(llm, prefix, rests, options, static_cast<std::size_t>(rows));
  batch.run(on_answer);
}

}  // namespace vcflash::infer
