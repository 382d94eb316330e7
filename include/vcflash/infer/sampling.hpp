#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include <vcflash/meta/error.hpp>

namespace vcflash::infer {

/// How the next token is chosen from a model's logits, in the order of `transformers`: repetition
/// penalty, temperature, top-k, top-p, draw.
///
/// The penalty is over the tokens of the answer alone: a prompt is embeddings, most of which are of
/// no token, and `transformers` too penalises nothing of a prompt that it is given as embeddings.
struct Sampling {
  double temperature = 0;  ///< 0: the likeliest token
  double top_p = 1;        ///< of the likeliest tokens, as many as have this probability together
  std::int64_t top_k = 0;  ///< of the likeliest tokens so many; 0: all
  double repetition_penalty = 1;  ///< above 1: tokens of the answer are less likely again
  std::uint64_t seed = 0;

  bool plain() const { return temperature == 0 && repetition_penalty == 1; }
};

/// The defaults of a model's folder: `generation_config.json`, or else the likeliest token.
/// \throws InputError if the file cannot be read or a value cannot be
inline Sampling sampling_of(std::filesystem::path const& folder) {
  Sampling sampling;
  auto const path = folder / "generation_config.json";
  std::ifstream file(path);
  if (!file) return sampling;
  try {
    auto const config = nlohmann::json::parse(file);
    auto const number = [&](char const* key, double fallback) {
      auto const value = config.find(key);
      return value == config.end() || value->is_null() ? fallback : value->get<double>();
    };
    sampling.repetition_penalty = number("repetition_penalty", 1);
    // what `transformers` takes where the file leaves a setting out
    if (config.value("do_sample", false)) {
      sampling.temperature = number("temperature", 1);
      sampling.top_p = number("top_p", 1);
      sampling.top_k = static_cast<std::int64_t>(number("top_k", 50));
    }
  } catch (nlohmann::json::exception const& error) {
    throw InputError(fmt::format("{}: cannot be read ({}).", path.string(), error.what()));
  }
  if (!(sampling.repetition_penalty > 0) || sampling.temperature < 0 || sampling.top_k < 0) {
    throw InputError(fmt::format("{}: repetition_penalty {}, temperature {} or top_k {} cannot be.",
                                 path.string(), sampling.repetition_penalty, sampling.temperature,
                                 sampling.top_k));
  }
  return sampling;
}

/// Chooses tokens by `Sampling`; the same seed and logits give the same tokens.
class Sampler {
 public:
  explicit Sampler(Sampling const& sampling) : sampling_(sampling), random_(sampling.seed) {}

  /// \param logits one a token, at least one  \param answer tokens chosen so far
  std::int64_t choose(std::span<float const> logits, std::span<std::int64_t const> answer) {
    std::vector<std::pair<double, std::int64_t>> tokens;  // logit and id
    tokens.reserve(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) {
      tokens.emplace_back(logits[i], static_cast<std::int64_t>(i));
    }
    penalise(tokens, answer);
    // the likeliest first, the lowest of equals
    auto const likelier = [](auto const& a, auto const& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    };
    if (sampling_.temperature == 0) return std::ranges::min(tokens, likelier).second;
    if (sampling_.top_k > 0 && sampling_.top_k < std::ssize(tokens)) {
      std::ranges::nth_element(tokens, tokens.begin() + sampling_.top_k, likelier);
      tokens.resize(static_cast<std::size_t>(sampling_.top_k));
    }
    std::ranges::sort(tokens, likelier);
    double const best = tokens.front().first;
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

  /// \param tokens weights that descend  \param sum of the weights
  std::int64_t drawn(Tokens const& tokens, double sum) {
    double kept = 0;
    std::size_t count = 0;
    do {
      kept += tokens[count++].first;
    } while (count < tokens.size() && kept < sampling_.top_p * sum);
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
