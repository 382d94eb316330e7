#include <vcflash/recipe/describe.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include "recipes/stage1_siglip_pool2x2_qwen3_4b.hpp"
#include "recipes/stage1_siglip_tome16_smollm2_135m.hpp"
#include "recipes/stage2_siglip_pool2x2_qwen3_4b.hpp"
#include "recipes/stage2_siglip_tome16_smollm2_135m.hpp"
#include "recipes/stage3_siglip_pool2x2_qwen3_4b.hpp"
#include "recipes/stage3_siglip_tome16_smollm2_135m.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

namespace {

/// \param trained of the three parts, as they are described
template <RecipeLike R>
void check_siglip(std::string const& name, std::string const& connector, std::string const& llm,
                  std::string const& clip, std::string const& trained) {
  CAPTURE(name);
  auto const text = describe<R>({});
  CHECK_THAT(text, ContainsSubstring(name + ": " + std::string(R::Stage::name) + "\n"));
  CHECK_THAT(text, ContainsSubstring("Siglip_So400m_384"));
  CHECK_THAT(text, ContainsSubstring(connector));
  CHECK_THAT(text, ContainsSubstring(llm));
  CHECK_THAT(text, ContainsSubstring("1 frames, 729 patches -> " + clip + " tokens"));
  CHECK_THAT(text, ContainsSubstring(trained + " trained"));
}

}  // namespace

TEST_CASE("the recipes of SigLIP, pooling and Qwen3-4B say what they train", "[unit]") {
  using namespace recipes;
  auto const check = []<class R>(R const*, std::string const& name, std::string const& trained) {
    check_siglip<R>(name, "Pool2x2", "Qwen3_4B", "196", trained);
  };
  check(static_cast<stage1_siglip_pool2x2_qwen3_4b*>(nullptr), "stage1_siglip_pool2x2_qwen3_4b",
        "9,510,400");
  check(static_cast<stage2_siglip_pool2x2_qwen3_4b*>(nullptr), "stage2_siglip_pool2x2_qwen3_4b",
        "4,429,723,936");
  check(static_cast<stage3_siglip_pool2x2_qwen3_4b*>(nullptr), "stage3_siglip_pool2x2_qwen3_4b",
        "4,429,723,936");

  // The longest video leaves room for what is said about it.
  using Longest = stage3_siglip_pool2x2_qwen3_4b;
  constexpr auto settings = Longest::Stage::defaults;
  STATIC_CHECK(settings.max_frames * Longest::Connector::tokens(Longest::Encoder::clip) <
               settings.max_length - 4096);
}

TEST_CASE("the recipes of the smallest real model say what they train", "[unit]") {
  using namespace recipes;
  auto const check = []<class R>(R const*, std::string const& name, std::string const& trained) {
    check_siglip<R>(name, "ToMe16", "SmolLM2_135M", "16", trained);
    constexpr auto settings = R::Stage::defaults;
    STATIC_CHECK(settings.processes == 1);
    STATIC_CHECK(settings.micro_batch * settings.accumulation == 8);
    STATIC_CHECK(settings.max_length <= R::Llm::facts.longest_input());
  };
  check(static_cast<stage1_siglip_tome16_smollm2_135m*>(nullptr),
        "stage1_siglip_tome16_smollm2_135m", "996,480");
  check(static_cast<stage2_siglip_tome16_smollm2_135m*>(nullptr),
        "stage2_siglip_tome16_smollm2_135m", "533,256,928");
  check(static_cast<stage3_siglip_tome16_smollm2_135m*>(nullptr),
        "stage3_siglip_tome16_smollm2_135m", "533,256,928");
}
