#include <vcflash/infer/prompt_length.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <string>

using namespace vcflash;

namespace {

constexpr LlmConfig short_llm{.name = "small",
                              .hidden = 8,
                              .layers = 1,
                              .heads = 1,
                              .kv_heads = 1,
                              .intermediate = 8,
                              .vocabulary = 8,
                              .max_positions = 100};

}  // namespace

TEST_CASE("a prompt longer than its model takes is refused by both lengths", "[unit]") {
  CHECK_NOTHROW(infer::require_fits(short_llm, 100));
  CHECK_THROWS_MATCHES(
      infer::require_fits(short_llm, 101), Error,
      Catch::Matchers::Message("the prompt has 101 tokens, and small takes 100 at most"));
  CHECK_THROWS_AS(infer::require_fits<InputError>(short_llm, 101), InputError);
}

TEST_CASE("stretched positions take longer prompts", "[unit]") {
  LlmConfig stretched = short_llm;
  stretched.yarn = {.factor = 4, .original_positions = 100};
  CHECK(infer::longest_prompt(stretched) == 400);
  CHECK(infer::longest_prompt(short_llm) == 100);
}
