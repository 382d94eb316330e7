#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>

namespace vcflash::infer {

/// How the next token is chosen from a model's logits, in the order of `transformers`: repetition
/// penalty, temperature, top-k, top-p, min-p, draw.
///
/// The penalty is over the tokens of the answer alone: a prompt is embeddings, most of which are of
/// no token, and `transformers` too penalises nothing of a prompt that it is given as embeddings.
struct Sampling {
  double temperature = 0;  ///< 0: the likeliest token
  double top_p = 1;        ///< of the likeliest tokens, as many as have this probability together
  std::int64_t top_k = 0;  ///< of the likeliest tokens so many, and equals of the last; 0: all
  double min_p = 0;        ///< only tokens at least so many times as likely as the likeliest
  double repetition_penalty = 1;  ///< above 1: tokens of the answer are less likely again
  std::uint64_t seed = 0;

  bool plain() const { return temperature == 0 && repetition_penalty == 1; }
};

/// Logits that are not numbers, of which no token is the likeliest.
struct NotNumbers : Error {
  using Error::Error;
};

/// \param best the largest logit of a token to be chosen
/// \throws NotNumbers if it is NaN or infinite
inline void require_number(double best) {
  if (!std::isfinite(best)) {
    throw NotNumbers(
        "the model's logits are not numbers: a weight is NaN or infinite, or the dtype is too "
        "narrow for the model; try --dtype float32");
  }
}

/// The seed of one answer of several that share a seed, so that they draw different tokens.
/// \param number of the answer, counted from 0
constexpr std::uint64_t seed_of_answer(std::uint64_t seed, std::uint64_t number) {
  std::uint64_t mixed = seed + (number + 1) * 0x9E3779B97F4A7C15U;  // SplitMix64
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9U;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBU;
  return mixed ^ mixed >> 31;
}

/// Chooses tokens by `Sampling`; the same seed and logits give the same tokens.
class Sampler {
 public:
  explicit Sampler(Sampling const& sampling) : sampling_(sampling), random_(sampling.seed) {}

  /// \param logits one a token, at least one
  /// \param answer tokens chosen so far
  /// \throws NotNumbers if one of the logits is NaN, or the largest infinite
  std::int64_t choose(std::span<float const> logits, std::span<std::int64_t const> answer) {
    std::vector<std::pair<double, std::int64_t>> tokens;  // logit and id
    tokens.reserve(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (std::isnan(logits[i])) require_number(logits[i]);
      tokens.emplace_back(logits[i], static_cast<std::int64_t>(i));
    }
    penalise(tokens, answer);
    // the likeliest first, the lowest of equals
    auto const likelier = [](auto const& a, auto const& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    };
    auto const [best, likeliest] = std::ranges::min(tokens, likelier);
    require_number(best);
    if (sampling_.temperature == 0) return likeliest;
    if (sampling_.top_k > 0 && sampling_.top_k < std::ssize(tokens)) {
      auto const last = tokens.begin() + sampling_.top_k - 1;
      std::ranges::nth_element(tokens, last, likelier);
      std::erase_if(tokens,
                    [least = last->first](auto const& token) { return token.first < least; });
    }
    std::ranges::sort(tokens, likelier);
    double sum = 0;
    for (auto& token : tokens) {
      token.first = std::exp((token.first - best) / sampling_.temperature);
      sum += token.first;
    }
    return drawn(tokens, sum);
  }

 private:
  using Tokens = std::vector<std::pair<double, std::int64_t>>;

  /// A token's logit is divided by the penalty if it is positive, else multiplied, once however
  /// often the token came.
  void penalise(Tokens& tokens, std::span<std::int64_t const> answer) const {
    if (sampling_.repetition_penalty == 1) return;
    std::vector<std::int64_t> once(answer.begin(), answer.end());
    std::ranges::sort(once);
    once.erase(std::unique(once.begin(), once.end()), once.end());
    for (std::int64_t const id : once) {
      if (id < 0 || id >= std::ssize(tokens)) continue;
      double& logit = tokens[static_cast<std::size_t>(id)].first;
      logit =
          logit > 0 ? logit / sampling_.repetition_penalty : logit * sampling_.repetition_penalty;
    }
  }

  /// \param tokens weights that descend from 1
  /// \param sum of the weights
  std::int64_t drawn(Tokens const& tokens, double sum) {
    double kept = 0;
    std::size_t count = 0;
    do {
      kept += tokens[count++].first;
    } while (count < tokens.size() && kept < sampling_.top_p * sum &&
             tokens[count].first >= sampling_.min_p);
    double left = static_cast<double>(random_() >> 11) * 0x1p-53 * kept;
    for (std::size_t i = 0; i + 1 < count; ++i) {
      if (left < tokens[i].first) return tokens[i].second;
      left -= tokens[i].first;
    }
    return tokens[count - 1].second;
  }

  Sampling sampling_;
  std::mt19937_64 random_;
};

}  // namespace vcflash::infer
