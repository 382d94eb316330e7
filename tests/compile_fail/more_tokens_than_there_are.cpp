// expect-error: ToMe256 gives 1024 tokens a clip, Umt<Res224> has only 784 to merge
#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

using namespace vcflash;
Recipe<Umt<Res224>, ToMeKind<256, 64, "ToMe256">, Qwen2_7B, VideoSft>::Network broken;
