#include <vcflash/recipe/describe.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include "recipes/stage1_internvideo2_tome16_res224_qwen_7b.hpp"
#include "recipes/stage1_umt_tome16_res224_qwen_7b.hpp"
#include "recipes/stage1_umt_tome16_res448_qwen_1_5b.hpp"
#include "recipes/stage2_internvideo2_tome16_res224_qwen_7b.hpp"
#include "recipes/stage2_umt_tome16_res224_qwen2_5_7b_1m.hpp"
#include "recipes/stage2_umt_tome16_res224_qwen_7b.hpp"
#include "recipes/stage2_umt_tome16_res448_qwen_1_5b.hpp"
#include "recipes/stage3_internvideo2_tome16_res224_qwen_7b.hpp"
#include "recipes/stage3_umt_tome16_res224_qwen2_5_7b_1m.hpp"
#include "recipes/stage3_umt_tome16_res224_qwen_7b.hpp"
#include "recipes/stage3_umt_tome16_res448_qwen_1_5b.hpp"
#include "recipes/stage4_umt_tome16_res448_qwen_7b.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

namespace {

/// \param trained of the three parts, as they are described
template <RecipeLike R>
void check_described(std::string const& name, std::string const& stage, std::string const& encoder,
                     std::string const& llm, std::string const& trained) {
  CAPTURE(name);
  auto const text = describe<R>({});
  CHECK_THAT(text, ContainsSubstring(name + ": " + stage + "\n"));
  CHECK_THAT(text, ContainsSubstring(encoder));
  CHECK_THAT(text, ContainsSubstring("ToMe16"));
  CHECK_THAT(text, ContainsSubstring(llm));
  CHECK_THAT(text, ContainsSubstring(trained + " trained"));
}

}  // namespace

TEST_CASE("the ten recipes of upstream say what they train", "[unit]") {
  using namespace recipes;
  std::string const res224 = "Umt<Res224>", res448 = "Umt<Res448>", iv2 = "InternVideo2_1B";
  std::string const first = "ConnectorInit", second = "VisualPretraining", third = "VideoSft";
  check_described<stage1_umt_tome16_res224_qwen_7b>("stage1_umt_tome16_res224_qwen_7b", first,
                                                    res224, "Qwen2_7B", "16,522,240");
  check_described<stage2_umt_tome16_res224_qwen_7b>("stage2_umt_tome16_res224_qwen_7b", second,
                                                    res224, "Qwen2_7B", "7,922,617,856");
  check_described<stage3_umt_tome16_res224_qwen_7b>("stage3_umt_tome16_res224_qwen_7b", third,
                                                    res224, "Qwen2_7B", "7,922,617,856");
  check_described<stage4_umt_tome16_res448_qwen_7b>(
      "stage4_umt_tome16_res448_qwen_7b", "HighResPostSft", res448, "Qwen2_7B", "307,001,344");
  check_described<stage1_umt_tome16_res448_qwen_1_5b>("stage1_umt_tome16_res448_qwen_1_5b", first,
                                                      res448, "Qwen2_5_1_5B", "3,935,232");
  check_described<stage2_umt_tome16_res448_qwen_1_5b>("stage2_umt_tome16_res448_qwen_1_5b", second,
                                                      res448, "Qwen2_5_1_5B", "1,838,128,640");
  check_described<stage3_umt_tome16_res448_qwen_1_5b>("stage3_umt_tome16_res448_qwen_1_5b", third,
                                                      res448, "Qwen2_5_1_5B", "1,838,128,640");
  check_described<stage1_internvideo2_tome16_res224_qwen_7b>(
      "stage1_internvideo2_tome16_res224_qwen_7b", first, iv2, "Qwen2_5_7B", "17,898,496");
  check_described<stage2_internvideo2_tome16_res224_qwen_7b>(
      "stage2_internvideo2_tome16_res224_qwen_7b", second, iv2, "Qwen2_5_7B", "8,620,852,736");
  check_described<stage3_internvideo2_tome16_res224_qwen_7b>(
      "stage3_internvideo2_tome16_res224_qwen_7b", third, iv2, "Qwen2_5_7B", "8,620,852,736");
}

TEST_CASE("the recipes of the model that upstream released without a script train all of it",
          "[unit]") {
  using namespace recipes;
  check_described<stage2_umt_tome16_res224_qwen2_5_7b_1m>("stage2_umt_tome16_res224_qwen2_5_7b_1m",
                                                          "VisualPretraining", "Umt<Res224>",
                                                          "Qwen2_5_7B_1M", "7,922,617,856");
  check_described<stage3_umt_tome16_res224_qwen2_5_7b_1m>("stage3_umt_tome16_res224_qwen2_5_7b_1m",
                                                          "VideoSft", "Umt<Res224>",
                                                          "Qwen2_5_7B_1M", "7,922,617,856");
}
