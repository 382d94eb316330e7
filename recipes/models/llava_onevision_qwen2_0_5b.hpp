#pragma once

#include "llava_onevision.hpp"

namespace recipes::models {

/// llava-hf/llava-onevision-qwen2-0.5b-ov-hf.
struct llava_onevision_qwen2_0_5b
    : OneVision<vcflash::Decoder<with_vocabulary(vcflash::Qwen2_0_5B::config, 152000)>> {};

static_assert(vcflash::parameter_count<llava_onevision_qwen2_0_5b::Network> == 893'675'552);
static_assert(vcflash::key_count<llava_onevision_qwen2_0_5b::Network> == 716);

}  // namespace recipes::models
