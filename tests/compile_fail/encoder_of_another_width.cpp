// expect-error: Umt<Res224> gives 1024-wide features, ToMe16 takes 1408
#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/models/video_chat.hpp>

using namespace vcflash;
VideoChat<Umt<Res224>, ToMe16To<3584, 1408>, Qwen2_7B> broken;
