#pragma once

#include <vcflash/connectors/pooling.hpp>
#include <vcflash/encoders/siglip.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

namespace recipes::models {

/// A decoder's configuration with as many rows as transformers' conversion gave its vocabulary.
constexpr vcflash::DecoderConfig with_vocabulary(vcflash::DecoderConfig config, std::int64_t rows) {
  config.vocabulary = rows;
  return config;
}

/// LLaVA-OneVision (Li et al. 2024): SigLIP, an MLP, videos pooled to half the rows and columns
/// with a line break at their end, Qwen2. Asked about 32 frames.
template <vcflash::LanguageModel Llm>
struct OneVision : vcflash::ModelOf<vcflash::Siglip_So400m_384, vcflash::Pool2x2, Llm> {
  static constexpr bool time_message = false;
  static constexpr vcflash::Asking asking{.as_trained = false,
                                          .sampling = vcflash::FrameSampling::middle,
                                          .min_frames = 32,
                                          .max_frames = 32};
};

}  // namespace recipes::models
