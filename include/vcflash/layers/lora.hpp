#pragma once

#include <vcflash/layers/parts.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/parameter.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <type_traits>

/// Low-rank adapters (LoRA, Hu et al. 2021): a frozen network learns by small matrices beside its
/// linear layers. Keys are those of PEFT: `q_proj.weight` of the network stays,
/// `q_proj.lora_A.weight` and `q_proj.lora_B.weight` are added.
namespace vcflash {

/// Which linear layers get an adapter.
struct LoraTargets {
  std::uint32_t sites = 0;

  constexpr LoraTargets with(Site site) const {
    return {sites | 1U << static_cast<unsigned>(site)};
  }
  constexpr bool has(Site site) const { return (sites >> static_cast<unsigned>(site) & 1U) != 0; }
};

/// Queries and values, as the paper has it.
inline constexpr LoraTargets query_and_value =
    LoraTargets{}.with(Site::query).with(Site::value).with(Site::qkv);
/// All of a layer's attention.
inline constexpr LoraTargets attention_linear =
    query_and_value.with(Site::key).with(Site::attention_output);
/// Every linear layer but the output layer: PEFT's `all-linear`.
inline constexpr LoraTargets all_linear =
    attention_linear.with(Site::gate).with(Site::up).with(Site::down);

/// What an adapter's product is multiplied by.
/// \param rank_stabilized rsLoRA (Kalajdzievski 2023): the square root of the rank divides
inline double lora_scaling(double alpha, std::int64_t rank, bool rank_stabilized) {
  auto const r = static_cast<double>(rank);
  return alpha / (rank_stabilized ? std::sqrt(r) : r);
}

struct LoraConfig {
  std::int64_t rank = 16;
  std::int64_t alpha = 32;
  LoraTargets targets = all_linear;
  bool rank_stabilized = false;  ///< see lora_scaling
  bool norms = false;            ///< the network's norms learn, too

  double scaling() const { return lora_scaling(static_cast<double>(alpha), rank, rank_stabilized); }
};

/// A frozen linear layer and its adapter: y = base(x) + scaling * B A x.
/// \tparam Base a layer that keeps the promises of `Linear<In, Out>`
template <class Base, std::int64_t In, std::int64_t Out, LoraConfig C>
struct LoraLinear {
  /// Starts as PEFT's: evenly spread within 1 / sqrt(In).
  struct Down : Parameter<Role::weight, C.rank, In> {
    static constexpr bool added = true;
    static Tensor initial(at::Generator& generator) {
      double const bound = 1 / std::sqrt(static_cast<double>(In));
      return aten::empty({C.rank, In}).uniform_(-bound, bound, generator);
    }
  };
  /// Starts at zero, so that the network begins as it was.
  struct Up : Parameter<Role::weight, Out, C.rank> {
    static constexpr bool added = true;
    static Tensor initial() { return aten::zeros({Out, C.rank}); }
  };
  using Kept = Frozen<Base>;
  BOOST_HANA_DEFINE_STRUCT(LoraLinear, (Kept, base_layer), (Down, lora_A), (Up, lora_B));
  static constexpr std::array key_prefixes{"", "lora_A.weight", "lora_B.weight"};

  /// \param x [..., In]
  /// \return [..., Out]
  Tensor operator()(Tensor const& x) const { return base_layer(x) + adapted(x); }

  /// With a bias that somebody else keeps.  \param other_bias [Out]
  Tensor operator()(Tensor const& x, Tensor const& other_bias) const
      requires(requires(Base const& base, Tensor const& t) { base(t, t); }) {
    return base_layer(x, other_bias) + adapted(x);
  }

 private:
  Tensor adapted(Tensor const& x) const {
    return aten::linear(aten::linear(x, lora_A.value), lora_B.value) * C.scaling();
  }
};

/// A policy of an encoder's or an LLM's: `Qwen2_7B::With<Adapted<LoraConfig{.rank = 8}>>`.
template <LoraConfig C>
struct Adapted {
  static_assert(C.rank > 0, "an adapter has a rank of at least 1");

  template <class P>
  struct Over : FrozenParts<P> {
    static constexpr LoraConfig lora = C;
    template <Site site, std::int64_t In, std::int64_t Out, bool Biased = true>
    using Linear = std::conditional_t<
        C.targets.has(site),
        LoraLinear<typename P::template Linear<site, In, Out, Biased>, In, Out, C>,
        typename FrozenParts<P>::template Linear<site, In, Out, Biased>>;
    using Norms = std::conditional_t<C.norms, P, FrozenParts<P>>;
    template <std::int64_t Width, Epsilon epsilon>
    using LayerNorm = typename Norms::template LayerNorm<Width, epsilon>;
    template <std::int64_t Width, Epsilon epsilon>
    using RmsNorm = typename Norms::template RmsNorm<Width, epsilon>;
  };
  template <class L>
  using Applied = typename L::template MadeOf<Over<typename L::Parts>>;
};

/// `Qwen2_7B::With<Lora<16>>`; an alpha of twice the rank unless another is said.
template <std::int64_t rank, std::int64_t alpha = 2 * rank, LoraTargets targets = all_linear>
using Lora = Adapted<LoraConfig{.rank = rank, .alpha = alpha, .targets = targets}>;

}  // namespace vcflash
