#pragma once

#include <vcflash/layers/embedding.hpp>
#include <vcflash/layers/linear.hpp>
#include <vcflash/layers/norm.hpp>
#include <vcflash/meta/reflect.hpp>

#include <cstdint>

/// What networks are made of. A network names no layer itself that another one could stand for: it
/// takes them from a policy, so that low-rank adapters, quantized weights or frozen norms are a
/// type beside the network and not an edit of it.
namespace vcflash {

/// Where a linear layer stands in a transformer, for policies that treat some otherwise.
enum class Site { qkv, query, key, value, attention_output, gate, up, down, head };

/// The layers as they are. A policy of one's own derives from this one, or from any other policy,
/// and says what it has otherwise. Promises of each layer are those of the one that stands here; a
/// linear layer without bias also takes a bias to add: `linear(x, bias)`.
struct PlainParts {
  template <Site, std::int64_t In, std::int64_t Out, bool Biased = true>
  using Linear = vcflash::Linear<In, Out, Biased>;
  template <std::int64_t Rows, std::int64_t Width>
  using Embedding = vcflash::Embedding<Rows, Width>;
  template <std::int64_t Width, Epsilon epsilon>
  using LayerNorm = vcflash::LayerNorm<Width, epsilon>;
  template <std::int64_t Width, Epsilon epsilon>
  using RmsNorm = vcflash::RmsNorm<Width, epsilon>;
  /// Any other layer of a network that has parameters: patches, positions, gains of branches.
  template <class Layer>
  using Other = Layer;
};

/// The layers of another policy, none of which is trained.
template <class P = PlainParts>
struct FrozenParts {
  template <Site site, std::int64_t In, std::int64_t Out, bool Biased = true>
  using Linear = Frozen<typename P::template Linear<site, In, Out, Biased>>;
  template <std::int64_t Rows, std::int64_t Width>
  using Embedding = Frozen<typename P::template Embedding<Rows, Width>>;
  template <std::int64_t Width, Epsilon epsilon>
  using LayerNorm = Frozen<typename P::template LayerNorm<Width, epsilon>>;
  template <std::int64_t Width, Epsilon epsilon>
  using RmsNorm = Frozen<typename P::template RmsNorm<Width, epsilon>>;
  template <class Layer>
  using Other = Frozen<typename P::template Other<Layer>>;
};

}  // namespace vcflash
