// expect-error: Headless leaves a size open: hidden 64, layers 2, heads 0, kv_heads 2, intermediate
// 128, vocabulary 100
#include <vcflash/llms/qwen2.hpp>

using namespace vcflash;

Qwen2<DecoderConfig{.name = "Headless",
                    .hidden = 64,
                    .layers = 2,
                    .kv_heads = 2,
                    .intermediate = 128,
                    .vocabulary = 100}>
    broken;
