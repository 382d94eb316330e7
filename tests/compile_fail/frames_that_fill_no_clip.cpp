// expect-error: stage SixFrames takes up to 6 frames, which Umt<Res224> cannot cut in clips of 4
#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

using namespace vcflash;
struct SixFrames : VideoSft {
  static constexpr Name name = "SixFrames";
  static constexpr Hyperparameters defaults{.max_frames = 6};
};
Recipe<Umt<Res224>, ToMe16, Qwen2_7B, SixFrames> broken;
