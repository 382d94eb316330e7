#pragma once

#include <vcflash/layers/lora.hpp>
#include <vcflash/meta/type_name.hpp>
#include <vcflash/models/video_chat.hpp>
#include <vcflash/recipe/asking.hpp>
#include <vcflash/recipe/stage.hpp>
#include <vcflash/tensor/initialize.hpp>
#include <vcflash/tensor/placement.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>
#include <vector>

namespace vcflash {

/// Standard deviations that each part of a model is drawn with when no checkpoint is given.
struct InitialDeviations {
  InitialDeviation encoder{}, connector{}, llm{};
};

/// A whole model, before it is trained: an encoder, a connector that fits itself between its
/// neighbours, an LLM. A header of `recipes/models/` derives from it, and so gives it a name.
template <class E, class K, class L>
struct ModelOf {
  static_assert(require<VisionEncoder<E>, why_no_encoder<E>()>);
  static_assert(require<LanguageModel<L>, why_no_llm<L>()>);
  static_assert(require<vcflash::Connector<Fitted<K, E, L>>, why_no_connector<Fitted<K, E, L>>()>);

  using Encoder = E;
  using Connector = Fitted<K, E, L>;
  using Llm = L;
  using Network = VideoChat<Encoder, Connector, Llm>;
  static constexpr InitialDeviations initial{};
  /// Whether a question says how long its video is (upstream's `time_msg`).
  static constexpr bool time_message = true;
  /// How it is asked when it is trained (recipe/asking.hpp).
  static constexpr Asking asking = as_trained;
};

template <class M>
concept Model = requires {
  requires VisionEncoder<typename M::Encoder>;
  requires Connector<typename M::Connector>;
  requires LanguageModel<typename M::Llm>;
  requires std::same_as<typename M::Network,
                        VideoChat<typename M::Encoder, typename M::Connector, typename M::Llm>>;
  { M::initial } -> std::convertible_to<InitialDeviations>;
  { M::time_message } -> std::convertible_to<bool>;
  { M::asking } -> std::convertible_to<Asking>;
};

/// What the weights of a model's LLM are called: what the model says (`llm_name`), or else what the
/// architecture is called, which several may share.
template <Model M>
constexpr std::string_view llm_name() {
  if constexpr (requires { M::llm_name; }) return M::llm_name;
  return M::Llm::name;
}

/// A model whose LLM is under another policy: `WithLlmPolicy<models::tiny, Lora<8>>`.
template <Model M, class Policy>
struct WithLlmPolicy : M {
  using Llm = typename M::Llm::template With<Policy>;
  using Network = VideoChat<typename M::Encoder, typename M::Connector, Llm>;
  /// The model whose programs take what a training leaves.
  using Asked = M;
};

/// Whether a part learns by low-rank adapters (layers/lora.hpp).
template <class Part>
concept HasAdapters = requires {
  { Part::Parts::lora } -> std::convertible_to<LoraConfig>;
};

/// Whether what a training leaves of a model is an adapter to the model that it began with.
template <Model M>
inline constexpr bool leaves_adapter =
    HasAdapters<typename M::Encoder> || HasAdapters<typename M::Llm>;

/// The adapters of a model that has some: encoder and LLM have alike ones.
template <Model M>
requires leaves_adapter<M>
constexpr LoraConfig adapter_of() {
  if constexpr (HasAdapters<typename M::Encoder> && HasAdapters<typename M::Llm>) {
    constexpr LoraConfig encoder = M::Encoder::Parts::lora, llm = M::Llm::Parts::lora;
    static_assert(require<(encoder.rank == llm.rank && encoder.alpha == llm.alpha &&
                           encoder.rank_stabilized == llm.rank_stabilized),
                          Sentence{} << "adapters of " << M::Encoder::name << " have rank "
                                     << encoder.rank << " and alpha " << encoder.alpha
                                     << ", those of " << M::Llm::name << " rank " << llm.rank
                                     << " and alpha " << llm.alpha << ", but one file holds both">);
    return llm;
  } else if constexpr (HasAdapters<typename M::Encoder>) {
    return M::Encoder::Parts::lora;
  } else {
    return M::Llm::Parts::lora;
  }
}

/// How a model is asked, what it leaves open settled by its own type.
template <Model M>
constexpr Asking asking_of() {
  constexpr std::int64_t clip = M::Encoder::clip.frames;
  static_assert(
      require<M::asking.frame_group % clip == 0,
              Sentence{} << "frames in groups of " << M::asking.frame_group
                         << " do not fill clips of " << clip << " of " << M::Encoder::name>);
  Asking asking = M::asking;
  if (asking.frame_group == 0) asking.frame_group = clip;
  asking.time_message = M::time_message;
  return asking;
}

/// Draws every parameter of a model with its own deviations, the same for the same `seed`.
template <Model M>
void initialize_model(typename M::Network& network, std::uint64_t seed) {
  initialize(network.encoder, M::initial.encoder, seed);
  initialize(network.connector, M::initial.connector, seed + 1);
  initialize(network.llm, M::initial.llm, seed + 2);
}

/// Draws the parameters of a model that have no value, the same for the same `seed`.
template <Model M>
void initialize_rest(typename M::Network& network, std::uint64_t seed, at::ScalarType dtype) {
  at::NoGradGuard const no_grad;
  auto generator = at::detail::createCPUGenerator(seed);
  auto const draw = [&](std::vector<ParameterRef> const& part, InitialDeviation deviation) {
    for (auto const& parameter : part) {
      if (parameter.value->defined()) continue;
      initialize(parameter, deviation, generator);
      *parameter.value = parameter.value->to(parameter.dtype_in(dtype));
    }
  };
  draw(parameters_of(network.encoder), M::initial.encoder);
  draw(parameters_of(network.connector), M::initial.connector);
  draw(parameters_of(network.llm), M::initial.llm);
}

namespace detail {

template <class S>
struct ShardingOf {
  using type = Zero<0>;
};
template <class S>
requires requires { typename S::Sharding; }
struct ShardingOf<S> {
  using type = typename S::Sharding;
};

}  // namespace detail

/// One experiment: a model and the stage it is trained in. A header of `recipes/` derives from
/// it, and so gives it a name (meta/type_name.hpp).
template <Model M, Stage S>
struct Training : M {
  static_assert(require<S::trained.any(), Sentence{} << "stage " << S::name << " trains nothing">);
  static_assert(
      require<S::defaults.max_frames % M::Encoder::clip.frames == 0,
              Sentence{} << "stage " << S::name << " takes up to " << S::defaults.max_frames
                         << " frames, which " << M::Encoder::name << " cannot cut in clips of "
                         << M::Encoder::clip.frames>);

  using Base = M;  ///< the model that is trained
  using Stage = S;
  /// The stage's, or none; a recipe may say another.
  using Sharding = typename detail::ShardingOf<S>::type;
};

/// `Recipe<Umt<Res448>, ToMe16, Qwen2_7B, HighResPostSft>`: one experiment as it is said.
template <class E, class K, class L, Stage S>
using Recipe = Training<ModelOf<E, K, L>, S>;

/// What a training program is made from.
template <class R>
concept RecipeLike = Model<R> && Stage<typename R::Stage> && requires {
  { R::Sharding::stage } -> std::convertible_to<ZeroStage>;
};

/// Sets which parts of a network carry gradients, as the recipe's stage says.
template <RecipeLike R>
void freeze_as_staged(typename R::Network& network) {
  set_trained(network.encoder, R::Stage::trained.encoder);
  set_trained(network.connector, R::Stage::trained.connector);
  set_trained(network.llm, R::Stage::trained.llm);
}

}  // namespace vcflash
