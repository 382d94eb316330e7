#pragma once

#include <vcflash/llms/decoder_layer.hpp>

namespace vcflash::test {

/// Large enough that its memory stands out from what a process has anyway.
inline constexpr DecoderConfig medium_decoder{.name = "medium decoder",
                                              .hidden = 512,
                                              .layers = 4,
                                              .heads = 8,
                                              .kv_heads = 2,
                                              .intermediate = 2048,
                                              .vocabulary = 8192,
                                              .rope_base = 1e4};

}  // namespace vcflash::test
