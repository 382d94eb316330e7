#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include <vcflash/data/shapes/scene.hpp>
#include <vcflash/media/frames.hpp>

namespace vcflash::data::shapes {

/// Signed distance from (x, y), relative to the centre of a form of radius 1, to the form's edge;
/// negative inside.
inline double edge_distance(std::size_t form, double x, double y) {
  double const ax = std::abs(x), ay = std::abs(y);
  switch (form) {
    case 0:
      return std::abs(std::hypot(x, y) - 0.78) - 0.22;  // ring
    case 1:
      return std::max(ax, ay) - 0.84;  // square
    case 2:
      return std::max(0.894 * ax - 0.447 * y - 0.447, y - 0.8);  // triangle, point upwards
    default:
      return std::min(std::max(ax - 1.0, ay - 0.2), std::max(ax - 0.2, ay - 1.0));  // cross
  }
}

/// Which object is on the stage in frame `frame` of `frames`, and how far through its time it is.
struct Moment {
  std::size_t object;
  double progress;  ///< 0 at the object's first frame, 1 at its last
};

inline Moment moment_of(std::int64_t objects, std::int64_t frame, std::int64_t frames) {
  auto const first = [&](std::int64_t k) { return (k * frames + objects / 2) / objects; };
  std::int64_t k = 0;
  while (k + 1 < objects && frame >= first(k + 1)) ++k;
  std::int64_t const length = first(k + 1) - first(k);
  double const progress =
      length > 1 ? static_cast<double>(frame - first(k)) / static_cast<double>(length - 1) : 0.5;
  return {static_cast<std::size_t>(k), progress};
}

/// Paints the clip. \return frames [frames, side, side, 3]
inline media::Frames render(Scene const& scene, int frames, int side) {
  media::Frames clip{frames, side, side, {}};
  clip.rgb.resize(static_cast<std::size_t>(frames) * side * side * 3);
  Random random(scene.noise, 0, 0);

  // Coarse grain that stays, as a wall's would, and a table of fine grain that moves; more of it
  // only makes files large, the 32 x 32 pixels of a small encoder do not show it.
  int const cell = 8, cells = (side + cell - 1) / cell;
  std::vector<float> wall(static_cast<std::size_t>(cells) * cells);
  for (float& value : wall) value = static_cast<float>(scene.brightness + random.real(-12, 12));
  std::array<float, 4096> grain;
  for (float& value : grain) value = static_cast<float>(random.real(-2, 2));

  std::uint8_t* out = clip.rgb.data();
  for (int frame = 0; frame < frames; ++frame) {
    auto const [index, progress] = moment_of(scene.count(), frame, frames);
    Object const& object = scene.objects[index];
    auto const step = step_of(object.direction);
    double const shift = object.travel * (progress - 0.5);
    double const centre_x = (object.x + step[0] * shift) * side;
    double const centre_y = (object.y + step[1] * shift) * side;
    double const radius = object.radius * side;
    std::size_t speck = static_cast<std::size_t>(random.below(4096));
    for (int y = 0; y < side; ++y) {
      float const* const ground = &wall[static_cast<std::size_t>(y / cell) * cells];
      double const dy = y + 0.5 - centre_y;
      bool const row = std::abs(dy) <= radius + 1;
      for (int x = 0; x < side; ++x, out += 3) {
        float const value = ground[x / cell] + grain[speck++ & 4095U];
        double const dx = x + 0.5 - centre_x;
        float cover = 0;
        if (row && std::abs(dx) <= radius + 1)
          cover = static_cast<float>(std::clamp(
              0.5 - radius * edge_distance(object.form, dx / radius, dy / radius), 0.0, 1.0));
        for (std::size_t c = 0; c < 3; ++c) {
          float const mixed = value + (static_cast<float>(object.rgb[c]) - value) * cover;
          out[c] = static_cast<std::uint8_t>(std::clamp(mixed, 0.0F, 255.0F));
        }
      }
    }
  }
  return clip;
}

}  // namespace vcflash::data::shapes
