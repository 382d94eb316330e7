#include <vcflash/eval/subtitles.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vector>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Lines = std::vector<std::string>;

TEST_CASE("line ends of any kind are one kind, and broken characters are marked", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  folder.write("a.srt", "one\r\ntwo\rthree\n\xFF");
  CHECK(read_text(folder / "a.srt") == "one\ntwo\nthree\n\xEF\xBF\xBD");
  CHECK_THROWS_WITH(read_text(folder / "none.srt"), Catch::Matchers::ContainsSubstring("none.srt"));
}

TEST_CASE("of a line the first white text is taken", "[unit]") {
  std::string const tag = "<font color=\"white\" size=\".72c\">";
  CHECK(white_lines(tag + "one</font>" + tag + "two</font>\nplain\n" + tag + "three</font>") ==
        Lines{"one", "three"});
  CHECK(white_lines(tag + "over\nlines</font>").empty());
  CHECK(white_lines("").empty());
}

TEST_CASE("frames of a long video are spread over it, of a short one stand a second apart",
          "[unit]") {
  CHECK(subtitle_frame_times(8, 4) == std::vector<double>{0, 2, 4, 6});
  CHECK(subtitle_frame_times(3.9, 4) == std::vector<double>{0, 1, 2});
  CHECK(subtitle_frame_times(0.5, 4).empty());
}

TEST_CASE("a subtitle is kept if a frame falls inside it", "[unit]") {
  auto const subtitles = nlohmann::ordered_json::parse(R"([
    {"timestamp": [1.0, 2.5], "text": "stamped"},
    {"start": "0:00:03.9", "end": "0:00:04.0", "line": "short"},
    {"timestamp": [9.0, null], "text": "open"}])");
  CHECK(subtitles_on_frames(subtitles, {2, 4, 15}, 0, 20) == Lines{"stamped", "short", "open"});
  CHECK(subtitles_on_frames(subtitles, {1, 2.5, 4.5}, 0, 20).empty());
  CHECK(subtitles_on_frames(subtitles, {1}, 1, 20) == Lines{"stamped"});
  CHECK_THROWS_AS(subtitles_on_frames(nlohmann::ordered_json::parse(
                                          R"([{"start": "soon", "end": "0:0:1", "line": "x"}])"),
                                      {1}, 0, 20),
                  vcflash::InputError);
}

TEST_CASE("what was made of a file is kept until another is asked for, or it has changed",
          "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  int times = 0;
  auto const length = [&](char const* name) {
    return made_of_file(folder / name, [&](std::string const& text) {
      ++times;
      return text.size();
    });
  };
  folder.write("a", "one");
  folder.write("b", "three");
  CHECK(length("a") == 3);
  CHECK(length("a") == 3);
  CHECK(times == 1);
  CHECK(length("b") == 5);
  CHECK(length("a") == 3);
  CHECK(times == 3);
  folder.write("a", "seven");
  CHECK(length("a") == 5);
  CHECK_THROWS_AS(length("none"), vcflash::InputError);
  CHECK(length("a") == 5);
}
