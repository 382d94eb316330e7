#include <vcflash/app/report/pixel_font.hpp>

#include <catch2/catch_test_macros.hpp>
#include <set>
#include <string>

using vcflash::app::PixelFont;

namespace {

std::string drawn(char letter) {
  std::string dots;
  for (int row = 0; row < PixelFont::height; ++row) {
    for (int column = 0; column < PixelFont::width; ++column) {
      dots += PixelFont::is_set(letter, row, column) ? '#' : '.';
    }
  }
  return dots;
}

}  // namespace

TEST_CASE("every letter and digit looks like itself and no other", "[unit]") {
  std::set<std::string> all;
  std::string const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.,%-_:";
  for (char const letter : letters) {
    CHECK(drawn(letter).find('#') != std::string::npos);
    all.insert(drawn(letter));
  }
  CHECK(all.size() == letters.size());
  CHECK(drawn('T') == "#####..#....#....#....#....#....#..");
  CHECK(drawn('t') == drawn('T'));
  CHECK(drawn(' ').find('#') == std::string::npos);
}
