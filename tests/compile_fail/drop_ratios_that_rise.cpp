// expect-error: the ratios of visual tokens that are kept do not fall from 1
#include <vcflash/llms/qwen2.hpp>

using namespace vcflash;
Qwen2_7B::With<UniformThenAttention<DropSchedule{{8, 16}, {1.0, 0.25, 0.5}}>> broken;
