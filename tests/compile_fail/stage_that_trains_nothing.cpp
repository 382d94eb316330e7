// expect-error: stage Idle trains nothing
#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

using namespace vcflash;
struct Idle : VideoSft {
  static constexpr Name name = "Idle";
  static constexpr TrainedParts trained{};
};
Recipe<Umt<Res224>, ToMe16, Qwen2_7B, Idle> broken;
