#pragma once

#include <vcflash/layers/lora.hpp>

#include "models/videochat_flash_qwen2_7b_res224.hpp"

namespace recipes {

/// A released model on videos of one's own, on one GPU: adapters of rank 16 beside every linear
/// layer of the LLM, which stays as it is, and the connector as a whole (docs/lora.md).
struct sft_lora_umt_tome16_res224_qwen_7b
    : vcflash::Training<
          vcflash::WithLlmPolicy<models::videochat_flash_qwen2_7b_res224, vcflash::Lora<16>>,
          vcflash::LoraSft> {};

}  // namespace recipes
