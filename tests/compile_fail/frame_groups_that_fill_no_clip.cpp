// expect-error: frames in groups of 6 do not fill clips of 4 of Umt<Res224>
#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

struct Mine : vcflash::ModelOf<vcflash::Umt<vcflash::Res224>, vcflash::ToMe16, vcflash::Qwen2_7B> {
  static constexpr vcflash::Asking asking{.frame_group = 6};
};
constexpr auto asked = vcflash::asking_of<Mine>();
