#include <vcflash/data/shapes/scene.hpp>

#include <cstdint>
#include <set>
#include <string>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash::data::shapes;

TEST_CASE("objects have different colours and hardly leave the picture", "[unit]") {
  for (std::uint64_t i = 0; i < 200; ++i) {
    std::int64_t const count = 1 + static_cast<std::int64_t>(i % 4);
    Random random(3, 1, i);
    Scene const scene = draw_scene(count, random);
    REQUIRE(scene.count() == count);
    std::set<std::size_t> colours_seen;
    for (Object const& object : scene.objects) {
      colours_seen.insert(object.colour);
      CHECK((object.radius >= 0.15 && object.radius <= 0.21));
      double const reach = object.travel / 2;
      bool const sideways = step_of(object.direction)[0] != 0;
      double const along = sideways ? object.x : object.y, across = sideways ? object.y : object.x;
      CHECK((along - reach > 0.1 && along + reach < 0.9));
      CHECK((across > object.radius - 0.04 && across < 1.04 - object.radius));
    }
    CHECK(colours_seen.size() == scene.objects.size());
  }
}

TEST_CASE("opposite directions undo each other's steps", "[unit]") {
  for (std::size_t direction = 0; direction < directions.size(); ++direction) {
    auto const step = step_of(direction), back = step_of(opposite(direction));
    CHECK((step[0] + back[0] == 0 && step[1] + back[1] == 0));
  }
  CHECK(directions[opposite(0)] == "right");
  CHECK(directions[opposite(2)] == "down");
}

TEST_CASE("a caption tells everything in order", "[unit]") {
  Scene scene;
  scene.objects.resize(2);
  scene.objects[1].colour = 2, scene.objects[1].form = 1, scene.objects[1].direction = 2;
  CHECK(caption_of(scene) == "a red ring moves left then a blue square moves up . two in all .");
}
