#include <vcflash/app/chat_command.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <string>
#include <utility>

#include <vcflash/base/error.hpp>

using namespace vcflash;
using namespace vcflash::app;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a line that begins with a slash is a command, any other a question", "[unit]") {
  CHECK(chat_line("what colour is it ?").verb == ChatVerb::question);
  CHECK(chat_line("  what /video ? \r").argument == "what /video ?");
  CHECK(chat_line(" \t\r").verb == ChatVerb::nothing);
  auto const video = chat_line("/video \t my film.mp4 \r");
  CHECK(video.verb == ChatVerb::video);
  CHECK(video.argument == "my film.mp4");
  CHECK(chat_line("/clip").verb == ChatVerb::clip);
  CHECK(chat_line("/clip 1 2").argument == "1 2");
  CHECK(chat_line("/reset ").verb == ChatVerb::reset);
}

TEST_CASE("a command that there is not, or that lacks its argument, is named", "[unit]") {
  CHECK_THROWS_WITH(chat_line("/vidoe a.mp4"),
                    ContainsSubstring("/vidoe") && ContainsSubstring("/help"));
  CHECK_THROWS_WITH(chat_line("/save "), ContainsSubstring("/save FILE"));
  CHECK_THROWS_AS(chat_line("/"), InputError);
}

TEST_CASE("the help has a line for each command", "[unit]") {
  auto const help = chat_help();
  for (auto const* name : {"/video FILE", "/image FILE", "/frames N", "/clip [START END]", "/reset",
                           "/save FILE", "/help", "/quit"}) {
    CHECK_THAT("\n" + help, ContainsSubstring("\n" + std::string(name)));
  }
  CHECK(std::ranges::count(help, '\n') == 8);
}

TEST_CASE("a path may be quoted, and begin at the person's own folder", "[unit]") {
  CHECK(typed_path("my film.mp4") == "my film.mp4");
  CHECK(typed_path("\"my film.mp4\"") == "my film.mp4");
  CHECK(typed_path("'it''s.mp4'") == "it''s.mp4");
  CHECK(typed_path("\"half.mp4") == "\"half.mp4");
  CHECK(typed_path("a~/b") == "a~/b");
  std::string const home = std::getenv("HOME") != nullptr ? std::getenv("HOME") : "";
  ::setenv("HOME", "/own", 1);
  CHECK(typed_path("~/film.mp4") == "/own/film.mp4");
  CHECK(typed_path("\"~/my film.mp4\"") == "/own/my film.mp4");
  ::setenv("HOME", home.c_str(), 1);
}

TEST_CASE("frames are a whole number above 0 that there can be", "[unit]") {
  CHECK(typed_frames("8") == 8);
  for (auto const* wrong : {"8x", "0", "-4", "", "4.5", "4 8", "99999999999999999999"}) {
    CHECK_THROWS_WITH(typed_frames(wrong), ContainsSubstring("/frames"));
  }
}

TEST_CASE("a clip is two seconds, the later one last, or nothing", "[unit]") {
  CHECK(typed_clip("1 2.5") == std::pair(1.0, 2.5));
  CHECK(typed_clip("0 \t 2") == std::pair(0.0, 2.0));
  CHECK_FALSE(typed_clip(""));
  for (auto const* wrong : {"1", "2 1", "1 1", "-1 2", "1 2 3", "a b", "nan 2", "0 inf", "1s 2s"}) {
    CHECK_THROWS_WITH(typed_clip(wrong), ContainsSubstring("/clip"));
  }
}
