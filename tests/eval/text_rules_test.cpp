#include <vcflash/eval/text_rules.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace vcflash::eval;

TEST_CASE("white space of every script is stripped, and only from the ends", "[unit]") {
  CHECK(stripped(" \xC2\xA0\x1C a b\xE3\x80\x80\n") == "a b");
  CHECK(stripped("  ").empty());
  CHECK(stripped("''a'b'", '\'') == "a'b");
  CHECK(word_count(" one\xE3\x80\x80two  three ") == 3);
}

TEST_CASE("letters of every script are lowered", "[unit]") {
  CHECK(lowered("ÄB\xD0\x90") == "äb\xD0\xB0");
  CHECK(lowered("\xC4\xB0") == "i\xCC\x87");
  CHECK(lowered("\xFF!") == "\xFF!");
}

TEST_CASE("text is replaced from left to right", "[unit]") {
  CHECK(replaced("aaa", "aa", "b") == "ba");
  CHECK(replaced("abc", "x", "y") == "abc");
  CHECK(joined({"a", "b"}, ", ") == "a, b");
  CHECK(joined({}, ", ").empty());
}

TEST_CASE("a regular expression sees characters, and survives bytes that are none", "[unit]") {
  Regex const word(R"(\b(\w+)\b)");
  CHECK(word.all("ä\xC3\xB6 - 中1").size() == 2);
  CHECK(Regex("(a)|(b)").first("b")->at(2) == "b");
  CHECK(Regex("[A-E]", true).first("xe"));
  CHECK_FALSE(Regex("x").first("\xFF\xFE"));
  CHECK(Regex("x").first("\xFF x"));
}

TEST_CASE("special forms of characters are plain ones, and thoughts no part of what is said",
          "[unit]") {
  CHECK(folded("Ａ１（Ⓑ") == "A1(B");
  CHECK(folded("plain") == "plain");
  CHECK(folded("\xFF").find("\xEF\xBF\xBD") == 0);
  CHECK(spoken(" <THINK>a\nb</think> c ") == "c");
  CHECK(spoken("<thinking>a</thinking>b<think>c") == "b");
}
