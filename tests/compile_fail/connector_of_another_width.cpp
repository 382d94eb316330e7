// expect-error: ToMe16 gives 3584-wide tokens, Qwen2_1_5B takes 1536
#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/models/video_chat.hpp>

using namespace vcflash;
VideoChat<Umt<Res224>, ToMe16To<3584>, Qwen2_5_1_5B> broken;
