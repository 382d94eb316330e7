#pragma once

#include <vcflash/llms/decoder.hpp>
#include <vcflash/llms/dropping.hpp>
#include <vcflash/llms/language_model.hpp>

namespace vcflash {

/// Qwen3 (Yang et al. 2025): no biases; queries and keys are normalized head by head, and a head is
/// 128 channels wide whatever the decoder's width.
inline constexpr DecoderFamily qwen3_family{
    .model_type = "qwen3", .qk_norm = true, .chat = &ChatTemplate::qwen_3};

namespace detail {
/// What the published sizes have in common.
constexpr DecoderConfig qwen3(Name name, std::int64_t hidden, std::int64_t layers,
                              std::int64_t heads, std::int64_t intermediate) {
  return {.name = name,
          .hidden = hidden,
          .layers = layers,
          .heads = heads,
          .kv_heads = 8,
          .intermediate = intermediate,
          .vocabulary = 151936,
          .own_head_dim = 128,
          .tied = hidden < 4096,
          .max_positions = 40960,
          .family = qwen3_family};
}
}  // namespace detail

namespace detail {
template <DecoderConfig C>
struct Qwen3Of {  // g++ 12 fails where an alias itself hands on more than a configuration
  using type = Decoder<of_family(C, qwen3_family)>;
};
}  // namespace detail

/// A decoder of the family in any size.
template <DecoderConfig C>
using Qwen3 = typename detail::Qwen3Of<C>::type;

using Qwen3_0_6B = Decoder<detail::qwen3("Qwen3_0_6B", 1024, 28, 16, 3072)>;
using Qwen3_1_7B = Decoder<detail::qwen3("Qwen3_1_7B", 2048, 28, 16, 6144)>;
using Qwen3_4B = Decoder<detail::qwen3("Qwen3_4B", 2560, 36, 32, 9728)>;
using Qwen3_8B = Decoder<detail::qwen3("Qwen3_8B", 4096, 36, 32, 12288)>;

static_assert(LanguageModel<Qwen3_8B>);
static_assert(parameter_count<Qwen3_0_6B> == 596'049'920 && key_count<Qwen3_0_6B> == 310);
static_assert(parameter_count<Qwen3_1_7B> == 1'720'574'976 && key_count<Qwen3_1_7B> == 310);
static_assert(parameter_count<Qwen3_4B> == 4'022'468'096 && key_count<Qwen3_4B> == 398);
static_assert(parameter_count<Qwen3_8B> == 8'190'735'360 && key_count<Qwen3_8B> == 399);

}  // namespace vcflash
