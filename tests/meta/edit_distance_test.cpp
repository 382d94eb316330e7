#include <vcflash/meta/edit_distance.hpp>

#include <array>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("words are as far apart as the letters that must change", "[unit]") {
  CHECK(edit_distance("video", "video") == 0);
  CHECK(edit_distance("vidoe", "video") == 2);
  CHECK(edit_distance("videos", "video") == 1);
  CHECK(edit_distance("", "abc") == 3);
  std::array<std::string_view, 3> const words{"image", "video", "conversations"};
  CHECK(nearest_word("conversation", words) == "conversations");
  CHECK(nearest_word("imgae", words) == "image");
}
