#include <catch2/catch_test_macros.hpp>

#include <vcflash/text/normalizer.hpp>

using namespace vcflash::text;

namespace {

std::string normal(std::string_view text) {
  std::string storage;
  return std::string(nfc(text, storage));
}

}  // namespace

TEST_CASE("letters and their marks are composed", "[unit]") {
  CHECK(normal("cafe\xCC\x81") == "caf\xC3\xA9");
  CHECK(normal("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB") == "\xED\x95\x9C");  // Hangul
  CHECK(normal("\xE2\x84\xA6") == "\xCE\xA9");                              // ohm sign
  CHECK(normal("q\xCC\x87\xCC\xA3") == "q\xCC\xA3\xCC\x87");                // marks in order
  CHECK(normal(std::string_view("a\0e\xCC\x81", 5)) == std::string_view("a\0\xC3\xA9", 4));
}

TEST_CASE("text that is normal already is not copied", "[unit]") {
  std::string storage;
  std::string_view const text = "caf\xC3\xA9 \xE4\xB8\xAD\xE6\x96\x87\xE3\x80\x82 \xED\x95\x9C";
  CHECK(nfc(text, storage).data() == text.data());
  CHECK(nfc("", storage).empty());
}

TEST_CASE("code points that are called inert are", "[unit]") {
  for (char32_t c = 0; c <= 0x1FFFF; ++c) {
    if (c == 0xD800) c = 0xE000;
    auto const* const property = utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
    if (!is_inert_in_nfc(c)) continue;
    std::string alone, decomposed;
    append_utf8(alone, c);
    auto const composed = [&] {
      utf8proc_uint8_t* result =
          utf8proc_NFC(reinterpret_cast<utf8proc_uint8_t const*>(alone.c_str()));
      std::string const text = c == 0 ? std::string(1, '\0') : reinterpret_cast<char*>(result);
      std::free(result);
      return text;
    }();
    if (composed != alone || property->combining_class != 0) FAIL(std::uint32_t{c});
  }
  for (char32_t c = 0; c <= 0x1FFFF; ++c) {      // no second part of a canonical decomposition
    if (c >= 0xAC00 && c <= 0xD7A3) c = 0xE000;  // Hangul's second parts are jamo, U+1161 to U+11C2
    utf8proc_int32_t parts[8] = {};
    int last = 0;
    auto const count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, 8,
                                               UTF8PROC_DECOMPOSE, &last);
    for (utf8proc_ssize_t i = 1; i < count; ++i) {
      if (is_inert_in_nfc(static_cast<char32_t>(parts[i]))) FAIL(std::uint32_t{c});
    }
  }
}
