#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/data/shapes/random.hpp>

/// What happens in a clip of the shapes task: one to four coloured objects cross a dark, noisy
/// picture one after another, each straight left, right, up or down.
namespace vcflash::data::shapes {

inline constexpr std::array<std::string_view, 6> colours{"red",    "green",  "blue",
                                                         "yellow", "purple", "white"};
inline constexpr std::array<std::string_view, 4> forms{"ring", "square", "triangle", "cross"};
inline constexpr std::array<std::string_view, 4> directions{"left", "right", "up", "down"};
inline constexpr std::array<std::string_view, 4> numbers{"one", "two", "three", "four"};
inline constexpr std::int64_t most_objects = 4;

/// One object; lengths are shares of the picture's side.
struct Object {
  std::size_t colour = 0, form = 0, direction = 0;  ///< indices into the lists above
  std::array<double, 3> rgb{};                      ///< the jittered colour, 0 to 255
  double radius = 0;
  double x = 0, y = 0;  ///< centre half-way through the object's time
  double travel = 0;    ///< how far the centre moves
};

struct Scene {
  std::vector<Object> objects;  ///< in the order in which they appear
  double brightness = 0;        ///< of the background, 0 to 255
  std::uint64_t noise = 0;      ///< seed of the background's grain

  std::int64_t count() const { return static_cast<std::int64_t>(objects.size()); }
};

/// The unit step of direction `index`, y downwards.
inline std::array<double, 2> step_of(std::size_t index) {
  constexpr std::array<std::array<double, 2>, 4> steps{{{-1, 0}, {1, 0}, {0, -1}, {0, 1}}};
  return steps[index];
}

/// The index of the direction that a reversed video shows.
inline std::size_t opposite(std::size_t direction) { return direction ^ 1U; }

/// A scene of `count` objects of different colours. One object crosses 0.52 to 0.64 of the
/// picture, several cross half of that each.
inline Scene draw_scene(std::int64_t count, Random& random) {
  constexpr std::array<std::array<double, 3>, 6> palette{{{215, 45, 45},
                                                          {45, 195, 65},
                                                          {55, 85, 230},
                                                          {225, 205, 50},
                                                          {165, 55, 205},
                                                          {230, 230, 230}}};
  std::vector<std::size_t> order{0, 1, 2, 3, 4, 5};
  random.shuffle(order);
  Scene scene;
  for (std::int64_t k = 0; k < count; ++k) {
    Object object;
    object.colour = order[static_cast<std::size_t>(k)];
    object.form = static_cast<std::size_t>(random.below(forms.size()));
    object.direction = static_cast<std::size_t>(random.below(directions.size()));
    for (std::size_t c = 0; c < 3; ++c)
      object.rgb[c] = std::min(255.0, palette[object.colour][c] + random.real(-22, 22));
    object.radius = random.real(0.15, 0.21);
    object.travel = random.real(0.52, 0.64) * (count > 1 ? 0.5 : 1.0);
    // Keep the object inside the picture; the longest travels may cut its rim off at the ends.
    auto const place = [&](double reach) {
      double const margin = std::min(0.5, object.radius + reach - 0.03);
      return random.real(margin, 1.0 - margin);
    };
    bool const sideways = step_of(object.direction)[0] != 0;
    object.x = place(sideways ? object.travel / 2 : 0.0);
    object.y = place(sideways ? 0.0 : object.travel / 2);
    scene.objects.push_back(object);
  }
  scene.brightness = random.real(22, 46);
  scene.noise = static_cast<std::uint64_t>(random.below(std::int64_t{1} << 52));
  return scene;
}

/// "a red ring moves left . one in all ."
inline std::string caption_of(Scene const& scene) {
  std::string text;
  for (Object const& object : scene.objects) {
    text += text.empty() ? "" : " then ";
    text += "a ";
    text += colours[object.colour];
    text += ' ';
    text += forms[object.form];
    text += " moves ";
    text += directions[object.direction];
  }
  text += " . ";
  text += numbers[scene.objects.size() - 1];
  return text + " in all .";
}

}  // namespace vcflash::data::shapes
