#include <catch2/catch_test_macros.hpp>

#include <vcflash/text/byte_map.hpp>

using namespace vcflash::text;

TEST_CASE("each byte has its printable character and comes back from it", "[unit]") {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  CHECK(bytes_of(spelled(bytes)) == bytes);
  CHECK(spelled(" ") == "\xC4\xA0");   // U+0120
  CHECK(spelled("\n") == "\xC4\x8A");  // U+010A
  CHECK(spelled("a!") == "a!");
}

TEST_CASE("text that spells no bytes is told", "[unit]") {
  CHECK_FALSE(bytes_of(" "));
  CHECK_FALSE(bytes_of("\xE4\xB8\xAD"));
  CHECK_FALSE(bytes_of("\xFF"));
  CHECK(bytes_of("") == "");
}

TEST_CASE("a vocabulary numbers the printable bytes first", "[unit]") {
  CHECK(bytes_in_vocabulary_order[0] == '!');
  CHECK(bytes_in_vocabulary_order[198] == '\n');
  CHECK(bytes_in_vocabulary_order[220] == ' ');
}
