#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/language_model.hpp>
#include <vcflash/llms/qwen2.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("what is and what is not a language model", "[unit]") {
  STATIC_CHECK(LanguageModel<Qwen2_7B>);
  STATIC_CHECK(LanguageModel<Qwen2_5_0_5B>);
  STATIC_CHECK_FALSE(LanguageModel<Umt<Res224>>);
}
