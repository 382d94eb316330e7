// expect-error: visual tokens are dropped after 3 layers, which takes 4 ratios, not 3
#include <vcflash/llms/qwen2.hpp>

using namespace vcflash;
Qwen2_7B::With<AttentionDropping<DropSchedule{{8, 16, 24}, {1.0, 0.5, 0.25}}>> broken;
