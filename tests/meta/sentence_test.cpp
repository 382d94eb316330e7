#include <vcflash/meta/sentence.hpp>

#include <catch2/catch_test_macros.hpp>
#include <limits>

using namespace vcflash;

namespace {
constexpr std::string_view text_of(Sentence const& sentence) {
  return {sentence.text.data(), sentence.size};
}
}  // namespace

TEST_CASE("a sentence grows from words, names and numbers while compiling", "[unit]") {
  constexpr Name name = "ToMe16";
  constexpr Sentence sentence = Sentence{} << name << " gives " << 3584 << "-wide tokens";
  STATIC_CHECK(text_of(sentence) == "ToMe16 gives 3584-wide tokens");
}

TEST_CASE("numbers are written to their ends", "[unit]") {
  STATIC_CHECK(text_of(Sentence{} << 0) == "0");
  STATIC_CHECK(text_of(Sentence{} << -7) == "-7");
  STATIC_CHECK(text_of(Sentence{} << std::numeric_limits<std::int64_t>::min()) ==
               "-9223372036854775808");
}

TEST_CASE("a rule that holds lets a program compile", "[unit]") {
  STATIC_CHECK(require<2 + 2 == 4, Sentence{} << "arithmetic is broken">);
}
