#include <vcflash/infer/prompt_length.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <string>

using namespace vcflash;

namespace {

constexpr LlmFacts short_llm = [] {
  LlmFacts facts{};
  facts.name = "small";
  facts.max_positions = 100;
  return facts;
}();

}  // namespace

TEST_CASE("a prompt longer than its model takes is refused by both lengths", "[unit]") {
  CHECK_NOTHROW(infer::require_fits(short_llm, 100));
  CHECK_THROWS_MATCHES(
      infer::require_fits(short_llm, 101), Error,
      Catch::Matchers::Message("the prompt has 101 tokens, and small takes 100 at most"));
  CHECK_THROWS_AS(infer::require_fits<InputError>(short_llm, 101), InputError);
}

TEST_CASE("stretched positions take longer prompts", "[unit]") {
  LlmFacts stretched = short_llm;
  stretched.scaling = kernels::yarn(4, 100);
  CHECK(stretched.longest_input() == 400);
  CHECK(short_llm.longest_input() == 100);
}
