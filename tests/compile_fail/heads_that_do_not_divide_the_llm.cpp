// expect-error: Uneven has 7 heads, which do not divide its width 64
#include <vcflash/llms/qwen2.hpp>

using namespace vcflash;
Qwen2<DecoderConfig{.name = "Uneven",
                    .hidden = 64,
                    .layers = 2,
                    .heads = 7,
                    .kv_heads = 1,
                    .intermediate = 128,
                    .vocabulary = 320}>
    broken;
