#include <vcflash/app/inspect/examples.hpp>

#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/app/inspect/small_mixture.hpp"

using namespace vcflash;
using namespace vcflash::app;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

TEST_CASE("examples show what rows of each set say, and their media or why not", "[unit]") {
  test::SmallMixture const small;
  data::Mixture const mixture(small.yaml);
  for (int const threads : {1, 3}) {
    auto const examples = examples_of(mixture, {}, threads, 4);
    REQUIRE(examples.size() == 2);
    REQUIRE(examples[0].size() == 4);
    REQUIRE(examples[1].size() == 2);
    auto const& good = examples[0][0];
    CHECK(good.title == "videos.jsonl, row 1");
    CHECK(good.text == "user: <image>\nwhat what\nassistant: grey\n");
    REQUIRE(good.strips.size() == 1);
    CHECK_THAT(good.strips[0], StartsWith("data:image/jpeg;base64,"));
    CHECK(good.problem.empty());
    CHECK_THAT(examples[0][2].problem, ContainsSubstring("broken.mp4"));
    CHECK_THAT(examples[0][3].problem, ContainsSubstring("none.mp4: no such file"));
    CHECK(examples[0][3].strips.empty());
    CHECK_THAT(examples[1][0].strips.at(0), StartsWith("data:image/jpeg;base64,"));
  }
  auto const few = examples_of(mixture, {}, 1, 2);
  CHECK(few[0].size() == 2);
  CHECK(few[0][1].title == "videos.jsonl, row 3");  // from the middle of its rows
}

TEST_CASE("of many frames some are shown, the first and the last among them", "[unit]") {
  media::Frames frames{30, 1, 1, {}};
  for (std::uint8_t i = 0; i < 30; ++i) frames.rgb.insert(frames.rgb.end(), {i, i, i});
  auto const some = app::detail::spread(frames, 8);
  REQUIRE(some.count == 8);
  CHECK(some.frame(0)[0] == 0);
  CHECK(some.frame(4)[0] == 16);
  CHECK(some.frame(7)[0] == 29);
  CHECK(app::detail::spread(some, 8).rgb == some.rgb);
}

TEST_CASE("a long text is cut between characters", "[unit]") {
  CHECK(app::detail::shortened("für", 4) == "für");
  CHECK(app::detail::shortened("für alle", 3) == "fü …");
  CHECK(app::detail::shortened("für alle", 2) == "f …");
}
