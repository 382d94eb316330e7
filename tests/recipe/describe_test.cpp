#include <vcflash/recipe/describe.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include "first_recipe/recipes/models/small_facts.hpp"
#include "first_recipe/recipes/stage2_small.hpp"
#include "recipes/stage1_umt_tome16_res224_qwen_7b.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;

TEST_CASE("a recipe is described as docs/first_recipe.md shows it", "[unit]") {
  auto const shown = test::read_file(VCFLASH_FIRST_RECIPE "/describe.txt");
  CHECK(describe<recipes::stage2_small>({}) == shown + '\n');
}

TEST_CASE("a 7B recipe is described without a weight", "[unit]") {
  using Catch::Matchers::ContainsSubstring;
  auto const text = describe<recipes::stage1_umt_tome16_res224_qwen_7b>({{"train.max_steps", "0"}});
  CHECK_THAT(text, ContainsSubstring("7,615,616,512"));
  CHECK_THAT(text, ContainsSubstring("784 patches -> 64 tokens"));
  CHECK_THAT(text, ContainsSubstring("16,522,240 trained"));
  CHECK_THAT(text, ContainsSubstring("train.max_steps"));
}

TEST_CASE("a model's parts say what is trained of them", "[unit]") {
  auto const model = describe_model<recipes::models::small>({.connector = true});
  CHECK(model.parts.size() == 3);
  CHECK(model.parameters == parameter_count<recipes::models::small::Network>);
  CHECK(model.trained_parameters == parameter_count<recipes::models::small::Connector>);
  CHECK(model.tensors == key_count<recipes::models::small::Network>);
}

TEST_CASE("numbers are grouped by thousands", "[unit]") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1000) == "1,000");
  CHECK(with_commas(-7615616512) == "-7,615,616,512");
}
