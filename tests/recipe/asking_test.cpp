#include <vcflash/recipe/asking.hpp>
#include <vcflash/recipe/recipe.hpp>

#include <catch2/catch_test_macros.hpp>

#include "recipes/models/tiny.hpp"
#include "recipes/models/videochat_flash_qwen2_5_2b_res448.hpp"

using namespace vcflash;

TEST_CASE("a released model takes frames in groups of 8, a model of one's own in whole clips",
          "[unit]") {
  using Released = recipes::models::videochat_flash_qwen2_5_2b_res448;
  constexpr Asking released = asking_of<Released>(), own = asking_of<recipes::models::tiny>();
  CHECK(released.frame_group == 8);
  CHECK(released.form == QuestionForm::released);
  CHECK_FALSE(released.as_trained);
  CHECK(own.frame_group == recipes::models::tiny::Encoder::clip.frames);
  CHECK(own.as_trained);
  CHECK_FALSE(own.time_message);
}
