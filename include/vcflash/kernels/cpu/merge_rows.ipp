#pragma once

#include <vcflash/kernels/cpu/merge_rows.hpp>
#include <vcflash/kernels/cpu/threads.hpp>
#include <vcflash/kernels/cpu/vectors.hpp>
#include <vcflash/tensor/aten.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace vcflash::kernels::cpu {

namespace detail {

/// A row is a token.
struct HeadMeans {
  c10::BFloat16 const* x;
  c10::BFloat16* means;
  std::int64_t heads, head_dim;

  /// Rounds where LibTorch's three operations do.
  VCFLASH_AVX512 void rows(std::int64_t begin, std::int64_t end) const {
    auto const of_heads = static_cast<float>(heads);
    for (; begin < end; ++begin) {
      auto const* const from = x + begin * heads * head_dim;
      auto* const to = means + begin * head_dim;
      std::int64_t const vectors = head_dim / lanes * lanes;
      Floats squares = {};
      for (std::int64_t c = 0; c < vectors; c += lanes) {
        Floats sum = {};
        for (std::int64_t h = 0; h < heads; ++h) sum += load(from + h * head_dim + c);
        Floats const mean = rounded(sum / of_heads);
        squares += mean * mean;
        store(to + c, mean);
      }
      float square = sum_of(squares);
      for (std::int64_t c = vectors; c < head_dim; ++c) {
        float sum = 0;
        for (std::int64_t h = 0; h < heads; ++h) sum += static_cast<float>(from[h * head_dim + c]);
        to[c] = sum / of_heads;
        square += static_cast<float>(to[c]) * static_cast<float>(to[c]);
      }
      float const length = static_cast<c10::BFloat16>(std::sqrt(square));
      for (std::int64_t c = 0; c < vectors; c += lanes) {
        store(to + c, load(to + c) / length);
      }
      for (std::int64_t c = vectors; c < head_dim; ++c) to[c] = static_cast<float>(to[c]) / length;
    }
  }
};

/// A row is a token that is left: of a batch, kept even ones, then odd ones.
struct MergeRows {
  static constexpr std::int64_t none = -1;

  c10::BFloat16 const* x;
  float const* sizes;
  std::int64_t const *kept, *source, *destination;
  c10::BFloat16* y;
  float* y_sizes;
  std::int64_t tokens, kept_count, merged_count, channels;
  std::vector<std::int64_t> first_into;  ///< [batch, odd], of what goes into it the first; or none
  std::vector<std::int64_t> next;        ///< [batch, merged], what goes into the same; or none

  std::int64_t odd_count() const { return tokens / 2; }
  std::int64_t left() const { return kept_count + odd_count(); }

  /// Finds for each odd token what goes into it.
  void link(std::int64_t batch) {
    first_into.assign(static_cast<std::size_t>(batch * odd_count()), none);
    next.resize(static_cast<std::size_t>(batch * merged_count));
    for (std::int64_t i = batch * merged_count - 1; i >= 0; --i) {
      std::int64_t const into = i / merged_count * odd_count() + destination[i];
      next[static_cast<std::size_t>(i)] =
          std::exchange(first_into[static_cast<std::size_t>(into)], i);
    }
  }

  /// An odd token and what goes into it.
  VCFLASH_AVX512 void mean_into(std::int64_t row, std::int64_t token, std::int64_t first) const {
    std::int64_t const batch = row / left();
    auto const token_of = [&](std::int64_t i) { return batch * tokens + 2 * source[i]; };
    float size = sizes[token];
    for (std::int64_t i = first; i != none; i = next[static_cast<std::size_t>(i)]) {
      size += sizes[token_of(i)];
    }
    y_sizes[row] = size;
    for (std::int64_t c = 0; c < channels; c += lanes) {
      Floats sum = load(x + token * channels + c) * sizes[token];
      for (std::int64_t i = first; i != none; i = next[static_cast<std::size_t>(i)]) {
        sum += load(x + token_of(i) * channels + c) * sizes[token_of(i)];
      }
      store(y + row * channels + c, sum / size);
    }
  }

  void rows(std::int64_t begin, std::int64_t end) const {
    for (; begin < end; ++begin) {
      std::int64_t const batch = begin / left(), place = begin % left();
      bool const even = place < kept_count;
      std::int64_t const token = batch * tokens + (even ? 2 * kept[batch * kept_count + place]
                                                        : 2 * (place - kept_count) + 1);
      std::int64_t const first =
          even ? none
               : first_into[static_cast<std::size_t>(batch * odd_count() + place - kept_count)];
      if (first != none) {
        mean_into(begin, token, first);
      } else {
        std::copy_n(x + token * channels, channels, y + begin * channels);
        y_sizes[begin] = sizes[token];
      }
    }
  }
};

}  // namespace detail

VCFLASH_INLINE Tensor head_means(Tensor const& x, std::int64_t heads) {
  std::int64_t const head_dim = x.size(2) / heads;
  Tensor means = aten::empty({x.size(0), x.size(1), head_dim}, x.options().requires_grad(false));
  detail::HeadMeans const work{x.const_data_ptr<c10::BFloat16>(),
                               means.mutable_data_ptr<c10::BFloat16>(), heads, head_dim};
  in_parallel(x.size(0) * x.size(1), 32,
              [&](std::int64_t begin, std::int64_t end) { work.rows(begin, end); });
  return means;
}

VCFLASH_INLINE Merged merge_rows(Merged const& merged, Matching const& matching) {
  auto const& [x, sizes] = merged;
  std::int64_t const batch = x.size(0), tokens = x.size(1), channels = x.size(2);
  // What was sorted and narrowed is not dense.
  Tensor const kept = matching.kept.contiguous(), source = matching.source.contiguous(),
               destination = matching.destination.contiguous();
  std::int64_t const left = kept.size(1) + tokens / 2;
  Merged result{aten::empty({batch, left, channels}, x.options().requires_grad(false)),
                aten::empty({batch, left, 1}, sizes.options())};
  detail::MergeRows work{x.const_data_ptr<c10::BFloat16>(),
                         sizes.const_data_ptr<float>(),
                         kept.const_data_ptr<std::int64_t>(),
                         source.const_data_ptr<std::int64_t>(),
                         destination.const_data_ptr<std::int64_t>(),
                         result.tokens.mutable_data_ptr<c10::BFloat16>(),
                         result.sizes.mutable_data_ptr<float>(),
                         tokens,
                         kept.size(1),
                         source.size(1),
                         channels,
                         {},
                         {}};
  work.link(batch);
  in_parallel(batch * left, 32,
              [&](std::int64_t begin, std::int64_t end) { work.rows(begin, end); });
  return result;
}

namespace detail {

inline bool takes_merge_tokens(Tensor const& x, std::int64_t /*target*/, std::int64_t /*heads*/) {
  return are_bf16(x) && x.size(2) % lanes == 0;
}

inline Tensor merge_tokens(Tensor const& x, std::int64_t target, std::int64_t heads) {
  Tensor const sizes = aten::full({x.size(0), x.size(1), 1}, 1, x.options().dtype(at::kFloat));
  return merge_in_rounds({x.contiguous(), sizes}, target, heads, cpu::head_means, cpu::merge_rows);
}

}  // namespace detail

VCFLASH_INLINE MergeTokensPath& merge_tokens_path() {
  static MergeTokensPath path{"AVX-512", has_avx512, always, detail::takes_merge_tokens,
                              detail::merge_tokens};
  return path;
}

}  // namespace vcflash::kernels::cpu
