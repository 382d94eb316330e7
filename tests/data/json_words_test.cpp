#include <vcflash/data/json_words.hpp>

#include <catch2/catch_test_macros.hpp>

namespace words = vcflash::data::detail;

TEST_CASE("what is wrong with JSON is said in words", "[unit]") {
  CHECK(words::reason(simdjson::UTF8_ERROR) == "it is not UTF-8");
  CHECK(words::reason(simdjson::TAPE_ERROR) == "it is not valid JSON");
  CHECK(words::is_row_problem(simdjson::NUMBER_ERROR));
  CHECK_FALSE(words::is_row_problem(simdjson::TAPE_ERROR));
  CHECK(words::name_of(words::json::json_type::array) == "a list");
  CHECK(words::name_of(words::json::json_type::null) == "null");
}
