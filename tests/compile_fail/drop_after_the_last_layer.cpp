// expect-error: Qwen2_7B has 28 layers, too few to drop visual tokens after layer 28
#include <vcflash/llms/qwen2.hpp>

using namespace vcflash;
Qwen2_7B::With<AttentionDropping<DropSchedule{{8, 28}, {1.0, 0.5, 0.25}}>> broken;
