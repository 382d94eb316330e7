#pragma once

#include "llava_onevision.hpp"

namespace recipes::models {

/// llava-hf/llava-onevision-qwen2-7b-ov-hf.
struct llava_onevision_qwen2_7b
    : OneVision<vcflash::Decoder<with_vocabulary(vcflash::Qwen2_7B::config, 152128)>> {};

static_assert(vcflash::parameter_count<llava_onevision_qwen2_7b::Network> == 8'030'807'584);
static_assert(vcflash::key_count<llava_onevision_qwen2_7b::Network> == 765);

}  // namespace recipes::models
