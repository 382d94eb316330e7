#include <vcflash/data/row.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::data;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

TEST_CASE("words are counted as Python splits them", "[unit]") {
  Row row;
  row.turns = {{text::Turn::From::human, "  two\twords\n"},
               {text::Turn::From::gpt, "one\xE3\x80\x80two\xC2\xA0three caf\xC3\xA9"}};
  CHECK(words_of(row) == 6);
  CHECK(words_of("") == 0);
  CHECK(words_of("\xE2\x80\x89\xE2\x80\xA8") == 0);
  CHECK(words_of("a\xE2\x80\x94"
                 "b \xC3\x85 \xE2\x80") == 3);
}

TEST_CASE("long texts are counted as short ones are", "[unit]") {
  std::mt19937 random(1);
  std::vector<std::string> const parts{"a",
                                       "bc",
                                       " ",
                                       "\n",
                                       "\t ",
                                       "\x1F",
                                       "\xE3\x80\x80",
                                       "\xC2\xA0",
                                       "\xC3\xA9",
                                       "\xE2\x80\x94",
                                       "\xF0\x9F\x98\x80"};
  for (int trial = 0; trial < 500; ++trial) {
    // Mostly ASCII, so that whole blocks of it stand between other characters.
    std::string text;
    std::int64_t words = 0;
    bool inside = false;
    for (int i = 0; i < 300; ++i) {
      std::size_t const kind = random() % (trial % 20 == 0 ? 11U : i % 90 == 7 ? 11U : 6U);
      bool const space = kind >= 2 && kind <= 7;
      words += !space && !inside ? 1 : 0;
      inside = !space;
      text += parts[kind];
    }
    REQUIRE(words_of(text) == words);
  }
}

TEST_CASE("a row's length depends on its medium", "[unit]") {
  CHECK(modality_length(6, Modality::text) == -6);
  CHECK(modality_length(6, Modality::video) == 6);
  CHECK(estimated_length(6, Modality::text, 64) == 6);
  CHECK(estimated_length(6, Modality::video, 64) > estimated_length(6, Modality::image, 64));
}

TEST_CASE("a path is known to leave its folder without looking at the disk", "[unit]") {
  for (char const* inside :
       {"", "a", "a/b", "./a", "a/../b", "a//..//b/.", "..a/b", "a/..b", "a/.."})
    CHECK_FALSE(leaves_root(inside));
  for (char const* outside : {"/", "/a", "..", "../a", "a/../..", "./../a", "a/../b/../../c"})
    CHECK(leaves_root(outside));
}

TEST_CASE("a symbolic link out of the data_root is refused, one within is not", "[unit]") {
  namespace fs = std::filesystem;
  test::TemporaryFolder folder;
  folder.write("media/in.png", "x");
  folder.write("secret.png", "x");
  folder.write("media2/near.png", "x");
  fs::create_symlink(folder / "secret.png", folder / "media/out.png");
  fs::create_symlink(folder / "media2/near.png", folder / "media/near.png");
  fs::create_symlink(folder / "media/in.png", folder / "media/also.png");
  fs::create_directory_symlink(folder / "media", folder / "root");
  CHECK_NOTHROW(require_inside(folder / "media/in.png", folder / "media"));
  CHECK_NOTHROW(require_inside(folder / "root/also.png", folder / "root"));
  CHECK_NOTHROW(require_inside(folder / "media/none.png", folder / "media"));
  CHECK_NOTHROW(require_inside(folder / "media/out.png", ""));
  folder.write("media/frames/f_1.png", "x");
  fs::create_symlink(folder / "media/in.png", folder / "media/frames/f_2.png");
  fs::create_directory_symlink(folder / "media/frames", folder / "media/frames/itself");
  CHECK_NOTHROW(require_inside(folder / "media/frames", folder / "media"));
  fs::create_symlink(folder / "secret.png", folder / "media/frames/f_3.png");
  for (char const* outside : {"media/out.png", "media/near.png", "media/frames"})
    CHECK_THROWS_MATCHES(require_inside(folder / outside, folder / "media"), InputError,
                         MessageMatches(ContainsSubstring("outside its data_root") &&
                                        ContainsSubstring("allow_outside_root")));
}
