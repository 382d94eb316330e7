#include <vcflash/data/shapes/render.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash::data::shapes;
using vcflash::media::Frames;

namespace {

/// The mean position of bright pixels, in shares of the side.
std::pair<double, double> bright_centre(Frames const& clip, int frame) {
  double x_sum = 0, y_sum = 0, count = 0;
  auto const pixels = clip.frame(frame);
  for (int y = 0; y < clip.height; ++y)
    for (int x = 0; x < clip.width; ++x)
      if (std::size_t const at = (static_cast<std::size_t>(y) * clip.width + x) * 3;
          pixels[at] > 150) {
        x_sum += x + 0.5, y_sum += y + 0.5, ++count;
      }
  REQUIRE(count > 0);
  return {x_sum / count / clip.width, y_sum / count / clip.height};
}

}  // namespace

TEST_CASE("an object moves by its travel, its way, around its middle", "[unit]") {
  for (std::size_t direction = 0; direction < 4; ++direction) {
    Scene scene;
    scene.brightness = 30;
    scene.objects.push_back({5, 1, direction, {230, 230, 230}, 0.16, 0.5, 0.5, 0.6});
    Frames const clip = render(scene, 16, 128);
    auto const [x0, y0] = bright_centre(clip, 0);
    auto const [x1, y1] = bright_centre(clip, 15);
    CHECK(std::abs(x1 - x0 - 0.6 * step_of(direction)[0]) < 0.02);
    CHECK(std::abs(y1 - y0 - 0.6 * step_of(direction)[1]) < 0.02);
    CHECK(std::abs((x0 + x1) / 2 - 0.5) < 0.02);
  }
}

TEST_CASE("objects share the frames one after the other", "[unit]") {
  for (std::int64_t objects = 1; objects <= most_objects; ++objects) {
    std::vector<int> frames_of(static_cast<std::size_t>(objects));
    std::size_t before = 0;
    for (std::int64_t frame = 0; frame < 16; ++frame) {
      auto const [object, progress] = moment_of(objects, frame, 16);
      CHECK(object >= before);
      CHECK((progress >= 0 && progress <= 1));
      ++frames_of[object];
      before = object;
    }
    for (int const frames : frames_of) CHECK(frames >= 16 / objects);
  }
}

TEST_CASE("every form covers its middle or its rim, and nothing beyond its radius", "[unit]") {
  for (std::size_t form = 0; form < forms.size(); ++form) {
    CHECK((edge_distance(form, 0, 0) < 0) == (forms[form] != "ring"));
    for (double angle = 0; angle < 6.28; angle += 0.1)
      CHECK(edge_distance(form, 1.3 * std::cos(angle), 1.3 * std::sin(angle)) > 0);
  }
}

TEST_CASE("the same scene is painted the same", "[unit]") {
  Random one(5, 1, 0), two(5, 1, 0);
  CHECK(render(draw_scene(3, one), 16, 64).rgb == render(draw_scene(3, two), 16, 64).rgb);
}
