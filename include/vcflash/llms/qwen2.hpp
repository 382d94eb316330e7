#pragma once

#include <vcflash/llms/decoder.hpp>
#include <vcflash/llms/dropping.hpp>
#include <vcflash/llms/language_model.hpp>

namespace vcflash {

/// Qwen2 and Qwen2.5 (Yang et al. 2024): biases on queries, keys and values.
inline constexpr DecoderFamily qwen2_family{.model_type = "qwen2", .qkv_bias = true};

namespace detail {
template <DecoderConfig C>
struct Qwen2Of {  // g++ 12 fails where an alias itself hands on more than a configuration
  using type = Decoder<of_family(C, qwen2_family)>;
};
}  // namespace detail

/// A decoder of the family in any size.
template <DecoderConfig C>
using Qwen2 = typename detail::Qwen2Of<C>::type;

namespace detail {
constexpr DecoderConfig qwen2_7b(Name name) {
  return {.name = name,
          .hidden = 3584,
          .layers = 28,
          .heads = 28,
          .kv_heads = 4,
          .intermediate = 18944,
          .vocabulary = 152064,
          .family = qwen2_family};
}
constexpr DecoderConfig qwen2_7b_1m(Name name) {
  DecoderConfig config = qwen2_7b(name);
  config.rope_base = 1e7;
  config.rms_epsilon = 1e-5;
  config.max_positions = 1'010'000;
  return config;
}
constexpr DecoderConfig qwen2_3b(Name name) {
  return {.name = name,
          .hidden = 2048,
          .layers = 36,
          .heads = 16,
          .kv_heads = 2,
          .intermediate = 11008,
          .vocabulary = 151936,
          .tied = true,
          .family = qwen2_family};
}
constexpr DecoderConfig qwen2_1_5b(Name name) {
  return {.name = name,
          .hidden = 1536,
          .layers = 28,
          .heads = 12,
          .kv_heads = 2,
          .intermediate = 8960,
          .vocabulary = 151936,
          .tied = true,
          .family = qwen2_family};
}
constexpr DecoderConfig qwen2_0_5b(Name name) {
  return {.name = name,
          .hidden = 896,
          .layers = 24,
          .heads = 14,
          .kv_heads = 2,
          .intermediate = 4864,
          .vocabulary = 151936,
          .tied = true,
          .family = qwen2_family};
}
}  // namespace detail

using Qwen2_7B = Decoder<detail::qwen2_7b("Qwen2_7B")>;
using Qwen2_5_3B = Decoder<detail::qwen2_3b("Qwen2_5_3B")>;
using Qwen2_1_5B = Decoder<detail::qwen2_1_5b("Qwen2_1_5B")>;
using Qwen2_0_5B = Decoder<detail::qwen2_0_5b("Qwen2_0_5B")>;
using Qwen2_5_7B_1M = Decoder<detail::qwen2_7b_1m("Qwen2_5_7B_1M")>;
// What is built alike is one type: only the weights tell it apart.
using Qwen2_5_7B = Qwen2_7B;
using Qwen2_5_1_5B = Qwen2_1_5B;
using Qwen2_5_0_5B = Qwen2_0_5B;

static_assert(LanguageModel<Qwen2_7B>);
static_assert(parameter_count<Qwen2_7B> == 7'615'616'512 && key_count<Qwen2_7B> == 339);
static_assert(parameter_count<Qwen2_5_3B> == 3'085'938'688 && key_count<Qwen2_5_3B> == 434);
static_assert(parameter_count<Qwen2_1_5B> == 1'543'714'304 && key_count<Qwen2_1_5B> == 338);
static_assert(parameter_count<Qwen2_0_5B> == 494'032'768 && key_count<Qwen2_0_5B> == 290);

}  // namespace vcflash
