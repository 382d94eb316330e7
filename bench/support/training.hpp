#pragma once

#include <vcflash/models/sample.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/train/optimizer.hpp>

#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>

#include <cstdint>
#include <span>
#include <vector>

namespace vcflash::bench {

/// Conversations about videos; two thirds of each are the question.
template <Model M>
std::vector<Sample> conversations(std::int64_t count, std::int64_t frames, std::int64_t tokens) {
  std::vector<Sample> samples;
  for (std::int64_t i = 0; i < count; ++i) {
    Tensor ids = at::randint(0, M::Network::Llm::vocabulary, {tokens}, at::kLong);
    ids[5] = media_placeholder;
    Tensor labels = ids.clone();
    labels.narrow(0, 0, 2 * tokens / 3).fill_(ignore_label);
    constexpr std::int64_t side = M::Network::Encoder::resolution;
    samples.push_back({ids, labels, {{.pixels = at::rand({frames, 3, side, side})}}});
  }
  return samples;
}

/// Forward, backward and the optimizer's step.
template <class Network>
void train_once(Network const& network, train::AdamW& adam, std::span<Sample const> samples) {
  network.loss(samples).backward();
  adam.take_gradients();
  adam.clip(adam.gradient_norm().item<float>(), 1);
  adam.step(1);
}

}  // namespace vcflash::bench
