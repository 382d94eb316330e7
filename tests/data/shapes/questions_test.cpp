#include <vcflash/data/shapes/questions.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;
using namespace vcflash::data::shapes;

namespace {

Scene scene_of(std::int64_t count, std::uint64_t index) {
  Random random(11, 1, index);
  return draw_scene(count, random);
}

}  // namespace

TEST_CASE("a choice offers the answer and three other things of its kind", "[unit]") {
  for (std::uint64_t i = 0; i < 100; ++i) {
    Scene const scene = scene_of(1 + static_cast<std::int64_t>(i % 4), i);
    for (std::size_t k = 0; k < kind_names.size(); ++k) {
      auto const kind = static_cast<Kind>(k);
      if (!fits(kind, scene)) continue;
      Random random(11, 2, i);
      Question const question = ask(kind, scene, random);
      Choice const choice = offer(question, random);
      CHECK(choice.options[choice.right] == question.answer);
      CHECK(std::set(choice.options.begin(), choice.options.end()).size() == 4);
      if (kind == Kind::direction || kind == Kind::order) {
        REQUIRE(choice.reversed);
        CHECK(*choice.reversed != choice.right);
        CHECK(choice.options[*choice.reversed] == question.reversed);
      } else {
        CHECK_FALSE(choice.reversed);
      }
    }
  }
}

TEST_CASE("the options of an order question hold every colour of the clip", "[unit]") {
  for (std::uint64_t i = 0; i < 50; ++i) {
    Scene const scene = scene_of(2 + static_cast<std::int64_t>(i % 3), i);
    Random random(11, 2, i);
    Choice const choice = offer(ask(Kind::order, scene, random), random);
    for (Object const& object : scene.objects)
      CHECK(std::count(choice.options.begin(), choice.options.end(), colours[object.colour]) == 1);
  }
}

TEST_CASE("questions are written with their options in one line", "[unit]") {
  Question const question{Kind::colour, "what colour is it ?", "red", {}, {}};
  Choice const choice{{"blue", "red", "green", "white"}, 1, {}};
  CHECK(choice.text(question) == "what colour is it ? blue A red B green C white D");
}

TEST_CASE("conversations alternate, show the video first, and use known words only", "[unit]") {
  auto const known = vocabulary();
  for (std::uint64_t i = 0; i < 100; ++i) {
    Scene const scene = scene_of(1 + static_cast<std::int64_t>(i % 4), i);
    Random random(11, 3, i);
    auto const turns = converse(scene, 4, {2, 4, 3}, random);
    REQUIRE(turns.size() == 8);
    for (std::size_t t = 0; t < turns.size(); ++t) {
      CHECK((turns[t].from == text::Turn::From::human) == (t % 2 == 0));
      CHECK(turns[t].value.starts_with("<image>\n") == (t == 0));
      if (t % 2 == 1) CHECK(turns[t].value.starts_with(" "));
      std::string words = turns[t].value.substr(t == 0 ? 8 : 0) + ' ';
      for (std::size_t at = 0; at < words.size();) {
        auto const end = words.find(' ', at);
        if (end > at)
          CHECK(std::find(known.begin(), known.end(), words.substr(at, end - at)) != known.end());
        at = end + 1;
      }
    }
  }
}

TEST_CASE("weights of nought leave a sort of turn out", "[unit]") {
  Random random(11, 4, 0);
  auto const captions = converse(scene_of(1, 0), 1, {0, 0, 1}, random);
  CHECK(captions[0].value == "<image>\nwhat happens ?");
  for (auto const& turn : converse(scene_of(2, 1), 4, {0, 1, 0}, random))
    if (turn.from == text::Turn::From::human) CHECK(turn.value.find(" A ") != std::string::npos);
}
