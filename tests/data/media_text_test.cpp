#include <vcflash/data/media_text.hpp>

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("each video of a row has its own time message behind its placeholder", "[unit]") {
  using text::Turn;
  std::vector<Turn> turns{{Turn::From::human, "<image>\n<image>\nwhich is longer?"},
                          {Turn::From::gpt, "one"},
                          {Turn::From::human, "and this? <image>"}};
  data::place_media(turns, std::vector<std::string>{" (1 s)", " (2 s)", " (3 s)"});
  CHECK(turns[0].value == "<image> (1 s)\n<image> (2 s)\nwhich is longer?");
  CHECK(turns[1].value == "one");
  CHECK(turns[2].value == "<image> (3 s)\nand this?");
}

TEST_CASE("a single video's message stands where upstream puts it", "[unit]") {
  using text::Turn;
  for (char const* question :
       {"<image>\nwhat", "what <image>", "QA_GT_caption_based_noisy <image>x"}) {
    std::vector<Turn> ours{{Turn::From::human, question}}, theirs = ours;
    data::place_media(ours, std::vector<std::string>{"\nIt lasts. "});
    text::place_media(theirs, {.time_message = "\nIt lasts. "});
    CHECK(ours == theirs);
  }
}
