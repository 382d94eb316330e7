#include <vcflash/eval/text_template.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using vcflash::eval::TextTemplate;

TEST_CASE("texts stand where their names are in braces", "[unit]") {
  TextTemplate const text("{question}\n{options}!");
  CHECK(text.names() == std::vector<std::string>{"question", "options"});
  CHECK(text.filled([](std::string const& name) { return "<" + name + ">"; }) ==
        "<question>\n<options>!");
  CHECK(TextTemplate("").filled([](auto const&) { return ""; }).empty());
}

TEST_CASE("a brace that is written twice is one of the text", "[unit]") {
  auto const filled = [](std::string_view text) {
    return TextTemplate(text).filled([](auto const&) { return "x"; });
  };
  CHECK(filled("{{{a}}} }}{{") == "{x} }{");
}

TEST_CASE("a brace without a name or an end is refused", "[unit]") {
  for (auto const* text : {"{", "a {b", "}", "{}", "{a{b}}", "a}b"}) {
    INFO(text);
    CHECK_THROWS_AS(TextTemplate(text), vcflash::InputError);
  }
}
