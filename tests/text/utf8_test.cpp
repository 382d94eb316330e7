#include <catch2/catch_test_macros.hpp>

#include <vcflash/text/utf8.hpp>

using namespace vcflash::text;

TEST_CASE("every code point survives being written and read", "[unit]") {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800) c = 0xE000;
    std::string text;
    append_utf8(text, c);
    auto const step = next_code_point(text);
    if (!step.valid || step.code_point != c || step.bytes != text.size()) FAIL(std::uint32_t{c});
  }
}

TEST_CASE("a maximal invalid subpart becomes one replacement character", "[unit]") {
  std::string const r(replacement_character);
  // The examples of the Unicode standard, tables 3-8 to 3-11.
  CHECK(repaired_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82"
                      "A") == r + r + r + r + r + r + r + r + "A");
  CHECK(repaired_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF"
                      "A") == r + r + r + r + r + r + r + r + "A");
  CHECK(repaired_utf8("\xF4\x91\x92\x93\xFF"
                      "A\x80\xBF"
                      "B") == r + r + r + r + r + "A" + r + r + "B");
  CHECK(repaired_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF"
                      "A") == r + r + r + r + "A");
  CHECK(repaired_utf8("\xE4\xB8") == r);
  CHECK(repaired_utf8("caf\xC3\xA9") == "caf\xC3\xA9");
}

TEST_CASE("valid text is told from invalid wherever the fault lies", "[unit]") {
  std::string const ascii(40, 'x');
  for (std::size_t i = 0; i <= ascii.size(); ++i) {
    auto text = ascii;
    CHECK(ascii_prefix(text.insert(i, "\xC3\xA9")) == i);
    CHECK(is_valid_utf8(text));
    CHECK_FALSE(is_valid_utf8(text.erase(i, 1)));
  }
  CHECK(is_valid_utf8(""));
}

TEST_CASE("a quotation in a message stays on one short line", "[unit]") {
  CHECK(in_quotes("a\n\x7F\xFF\xC3\xA9") == "\"a???\xC3\xA9\"");
  auto const cut = in_quotes(std::string(100, 'x') + "\xC3\xA9");
  CHECK(cut.size() <= 64);
  CHECK(cut.ends_with("...\""));
}

TEST_CASE("a character whose end may yet come is told from bytes that are none", "[unit]") {
  CHECK(unfinished_bytes("") == 0);
  CHECK(unfinished_bytes("abc\xC3\xA9") == 0);
  CHECK(unfinished_bytes("abc\xC3") == 1);
  CHECK(unfinished_bytes("\xE2\x82") == 2);
  CHECK(unfinished_bytes("x\xF0\x9F\x98") == 3);
  CHECK(unfinished_bytes("\xF0\x9F\x98\x80") == 0);
  for (char const* none : {"\xFF", "\xC0", "\x80", "\xE0\x80", "\xF4\x90", "\xED\xA0"}) {
    CHECK(unfinished_bytes(none) == 0);
  }
}

TEST_CASE("control characters are spelled out, new lines and tabs stay", "[unit]") {
  CHECK(with_visible_controls("a\tb\nc\xC3\xA9") == "a\tb\nc\xC3\xA9");
  CHECK(with_visible_controls("\x1b[2J\r\x7F\x07") == "\\x1b[2J\\x0d\\x7f\\x07");
  CHECK(with_visible_controls("\xC2\x9B"
                              "31m") ==
        "\\x9b"
        "31m");  // CSI in one character
  CHECK(with_visible_controls("\xFFx") == std::string(replacement_character) + "x");
}
