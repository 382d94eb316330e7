#include <vcflash/data/row_keys.hpp>

#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using vcflash::data::detail::like_media;
using vcflash::data::detail::like_turns;
using vcflash::data::detail::lower_case;

TEST_CASE("keys that people write for others are known", "[unit]") {
  using Keys = std::vector<std::string_view>;
  using Meant = std::pair<std::string_view, std::string_view>;
  CHECK(like_media(Keys{"id2", "video_path"}) == Meant{"video_path", "video"});
  CHECK(like_media(Keys{"IMG"}) == Meant{"IMG", "image"});
  CHECK(like_media(Keys{"imgae"}) == Meant{"imgae", "image"});
  CHECK_FALSE(like_media(Keys{"source", "label"}));
  CHECK(like_turns(Keys{"label", "conversation"}) == "conversation");
  CHECK(like_turns(Keys{"instruction"}) == "instruction");
  CHECK_FALSE(like_turns(Keys{"label"}));
  CHECK(lower_case("Video_Path") == "video_path");
}
