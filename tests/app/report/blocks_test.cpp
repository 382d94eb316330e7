#include <vcflash/app/report/blocks.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vector>

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

json answer(int video, double score, std::string const& task) {
  return {{"video", std::to_string(video)}, {"score", score}, {"task", task}, {"answer", "<B>"}};
}

}  // namespace

TEST_CASE("numbers are set as people read them", "[unit]") {
  CHECK(app::detail::thousands(7) == "7");
  CHECK(app::detail::thousands(1234567) == "1&thinsp;234&thinsp;567");
  CHECK(app::detail::percent(0.125) == "12.5&thinsp;%");
}

TEST_CASE("a strip keeps the shape of its frames", "[unit]") {
  media::Frames const wide{2, 90, 160, std::vector<std::uint8_t>(2 * 90 * 160 * 3, 200)};
  CHECK_THAT(app::detail::frame_strip(wide, 45), ContainsSubstring("data:image/jpeg;base64,/9j/"));
}

TEST_CASE("examples are of different videos, wrong ones first, each task in turn", "[unit]") {
  std::vector<json> answers;
  for (int i = 0; i < 60; ++i) answers.push_back(answer(i / 2, i % 3 == 0, i % 2 ? "a" : "b"));
  answers.push_back({{"video", "x"}, {"score", 0.0}, {"problem", "broken"}});
  answers.push_back({{"video", "y"}, {"score", 0.0}, {"counts", false}});
  auto const chosen = app::detail::chosen_answers(answers, 4);
  REQUIRE(chosen.size() == 12);
  std::set<std::string> videos;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    videos.insert(chosen[i].at("video"));
    CHECK(app::detail::is_right(chosen[i]) == (i >= 4));
  }
  CHECK(videos.size() == 12);
  CHECK(chosen[0].at("task") != chosen[1].at("task"));
}

TEST_CASE("a card says whether the answer is right, and nothing escapes from it", "[unit]") {
  auto const card = app::detail::answer_card(answer(1, 0, "a"), "", "what?", "<p>more</p>");
  CHECK_THAT(card, ContainsSubstring("✗ wrong") && ContainsSubstring("&lt;B&gt;") &&
                       ContainsSubstring("<p>more</p>") && !ContainsSubstring("<img"));
  CHECK_THAT(app::detail::answer_card(answer(1, 1, "a"), "data:x", "what?", ""),
             ContainsSubstring("✓ right") && ContainsSubstring("src=\"data:x\""));
  auto const options = app::detail::options_list({"red", "blue"}, "B", "A");
  CHECK_THAT(options,
             ContainsSubstring("is-said\">A red") && ContainsSubstring("is-right\">B blue"));
}

TEST_CASE("a page brings its own style", "[unit]") {
  auto const page = app::detail::whole_page("title", "<h1>body</h1>");
  CHECK(page.starts_with("<!doctype html>"));
  CHECK_THAT(page, ContainsSubstring("<h1>body</h1>") && ContainsSubstring("prefers-color-scheme"));
}
