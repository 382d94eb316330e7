#pragma once

#include <vcflash/llms/decoder.hpp>
#include <vcflash/llms/dropping.hpp>
#include <vcflash/llms/language_model.hpp>

namespace vcflash {

/// Llama 3 (Dubey et al. 2024): no biases, no norms of heads.
inline constexpr DecoderFamily llama_family{.model_type = "llama", .chat = &ChatTemplate::llama_3};
/// SmolLM2 (Allal et al. 2025): built as Llama, talked to otherwise.
inline constexpr DecoderFamily smollm2_family{.model_type = "llama",
                                              .chat = &ChatTemplate::smollm2};

namespace detail {
/// What the published sizes of Llama 3.1 and 3.2 have in common.
constexpr DecoderConfig llama3(DecoderConfig size, double stretched_by) {
  size.kv_heads = 8;
  size.vocabulary = 128256;
  size.rope_base = 5e5;
  size.rms_epsilon = 1e-5;
  size.max_positions = 131072;
  size.scaling = kernels::llama3_scaling(stretched_by, 8192);
  size.family = llama_family;
  return size;
}

/// What the published sizes of SmolLM2 have in common: heads of 64 channels.
constexpr DecoderConfig smollm2(DecoderConfig size) {
  size.heads = size.hidden / 64;
  size.vocabulary = 49152;
  size.rms_epsilon = 1e-5;
  size.tied = true;
  size.max_positions = 8192;
  size.family = smollm2_family;
  return size;
}
}  // namespace detail

namespace detail {
template <DecoderConfig C>
struct LlamaOf {  // g++ 12 fails where an alias itself hands on more than a configuration
  using type = Decoder<of_family(C, llama_family)>;
};
}  // namespace detail

/// A decoder of the family in any size.
template <DecoderConfig C>
using Llama = typename detail::LlamaOf<C>::type;

using Llama3_2_1B = Decoder<detail::llama3({.name = "Llama3_2_1B",
                                            .hidden = 2048,
                                            .layers = 16,
                                            .heads = 32,
                                            .intermediate = 8192,
                                            .tied = true},
                                           32)>;
using Llama3_2_3B = Decoder<detail::llama3({.name = "Llama3_2_3B",
                                            .hidden = 3072,
                                            .layers = 28,
                                            .heads = 24,
                                            .intermediate = 8192,
                                            .tied = true},
                                           32)>;
using Llama3_1_8B = Decoder<detail::llama3(
    {.name = "Llama3_1_8B", .hidden = 4096, .layers = 32, .heads = 32, .intermediate = 14336}, 8)>;

using SmolLM2_135M = Decoder<detail::smollm2({.name = "SmolLM2_135M",
                                              .hidden = 576,
                                              .layers = 30,
                                              .kv_heads = 3,
                                              .intermediate = 1536,
                                              .rope_base = 1e5})>;
using SmolLM2_360M = Decoder<detail::smollm2({.name = "SmolLM2_360M",
                                              .hidden = 960,
                                              .layers = 32,
                                              .kv_heads = 5,
                                              .intermediate = 2560,
                                              .rope_base = 1e5})>;
using SmolLM2_1_7B = Decoder<detail::smollm2({.name = "SmolLM2_1_7B",
                                              .hidden = 2048,
                                              .layers = 24,
                                              .kv_heads = 32,
                                              .intermediate = 8192,
                                              .rope_base = 1.3e5})>;

static_assert(LanguageModel<Llama3_1_8B> && LanguageModel<SmolLM2_135M>);
static_assert(parameter_count<Llama3_2_1B> == 1'235'814'400 && key_count<Llama3_2_1B> == 146);
static_assert(parameter_count<Llama3_2_3B> == 3'212'749'824 && key_count<Llama3_2_3B> == 254);
static_assert(parameter_count<Llama3_1_8B> == 8'030'261'248 && key_count<Llama3_1_8B> == 291);
static_assert(parameter_count<SmolLM2_135M> == 134'515'008 && key_count<SmolLM2_135M> == 272);
static_assert(parameter_count<SmolLM2_360M> == 361'821'120 && key_count<SmolLM2_360M> == 290);
static_assert(parameter_count<SmolLM2_1_7B> == 1'711'376'384 && key_count<SmolLM2_1_7B> == 218);

}  // namespace vcflash
