// expect-error: Pool2x2 pools a raster, Clip with its class token gives a row
#include <vcflash/connectors/pooling.hpp>
#include <vcflash/encoders/clip.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/models/video_chat.hpp>

using namespace vcflash;
using Encoder = Clip<ClipConfig{.name = "Clip with its class token", .keeps_class_token = true}>;
VideoChat<Encoder, Fitted<Pool2x2, Encoder, Qwen2_0_5B>, Qwen2_0_5B> model;
