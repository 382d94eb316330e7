#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/app/report/charts.hpp>
#include <vcflash/app/report/pixel_font.hpp>
#include <vcflash/media/frames.hpp>

/// A table of shares, drawn in the colours of upstream's heat map, as SVG and as pixels.
namespace vcflash::app {

struct HeatMap {
  std::string title, across, down;  ///< what it shows, and what its columns and its rows are
  std::vector<std::string> columns, rows;
  std::vector<std::vector<std::optional<double>>> values;  ///< [rows][columns], 0 to 1
};

struct Colour {
  std::uint8_t red, green, blue;
  bool operator==(Colour const&) const = default;
};

/// Red for 0, over yellow, to green for 1.
inline Colour heat_colour(double share) {
  constexpr std::array<Colour, 3> stops{
      {{0xF0, 0x49, 0x6E}, {0xEB, 0xB8, 0x39}, {0x9A, 0xD5, 0xB3}}};
  double const place = std::clamp(share, 0.0, 1.0) * 2;
  std::size_t const from = place < 1 ? 0 : 1;
  double const part = place - static_cast<double>(from);
  auto const mixed = [&](std::uint8_t Colour::*channel) {
    double const a = stops[from].*channel, b = stops[from + 1].*channel;
    return static_cast<std::uint8_t>(a + (b - a) * part + 0.5);
  };
  return {mixed(&Colour::red), mixed(&Colour::green), mixed(&Colour::blue)};
}

namespace detail {

enum class Anchor { start, middle, end };
constexpr Colour ink{0x1B, 0x1D, 0x22}, paper{0xFF, 0xFF, 0xFF};

class SvgCanvas {
 public:
  SvgCanvas(int width, int height, std::string_view label)
      : svg_(fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" "
                         "width=\"{0}\" height=\"{1}\" role=\"img\" aria-label=\"{2}\" "
                         "font-family=\"system-ui, sans-serif\" font-size=\"14\">",
                         width, height, escaped(label))) {
    fill(0, 0, width, height, paper);
  }
  void fill(int x, int y, int width, int height, Colour colour) {
    svg_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>", x, y,
                        width, height, name(colour));
  }
  /// \param y of the text's middle
  void text(int x, int y, std::string_view text, Anchor anchor) {
    constexpr std::array anchors{"start", "middle", "end"};
    svg_ +=
        fmt::format("<text x=\"{}\" y=\"{}\" dy=\".35em\" text-anchor=\"{}\" fill=\"{}\">{}</text>",
                    x, y, anchors[static_cast<std::size_t>(anchor)], name(ink), escaped(text));
  }
  std::string finish() && { return svg_ + "</svg>\n"; }

 private:
  static std::string name(Colour c) {
    return fmt::format("#{:02x}{:02x}{:02x}", c.red, c.green, c.blue);
  }
  std::string svg_;
};

class PixelCanvas {
 public:
  PixelCanvas(int width, int height) : image_{height, width, {}} {
    image_.rgb.resize(std::size_t(width) * std::size_t(height) * 3);
    fill(0, 0, width, height, paper);
  }
  void fill(int x, int y, int width, int height, Colour colour) {
    int const right = std::min(x + width, image_.width), end = std::min(y + height, image_.height);
    for (int row = std::max(y, 0); row < end; ++row) {
      for (int column = std::max(x, 0); column < right; ++column) {
        auto* const pixel =
            image_.rgb.data() +
            (std::size_t(row) * std::size_t(image_.width) + std::size_t(column)) * 3;
        pixel[0] = colour.red;
        pixel[1] = colour.green;
        pixel[2] = colour.blue;
      }
    }
  }
  void text(int x, int y, std::string_view text, Anchor anchor) {
    constexpr int dot = 2, advance = (PixelFont::width + 1) * dot;
    int const wide = static_cast<int>(text.size()) * advance - dot;
    x -= anchor == Anchor::end ? wide : anchor == Anchor::middle ? wide / 2 : 0;
    y -= PixelFont::height * dot / 2;
    for (char const letter : text) {
      for (int row = 0; row < PixelFont::height; ++row) {
        for (int column = 0; column < PixelFont::width; ++column) {
          if (!PixelFont::is_set(letter, row, column)) continue;
          fill(x + column * dot, y + row * dot, dot, dot, ink);
        }
      }
      x += advance;
    }
  }
  media::Image finish() && { return std::move(image_); }

 private:
  media::Image image_;
};

/// How a heat map is laid out, in pixels.
struct HeatMapLayout {
  static constexpr int left = 190, top = 84, cell_width = 92, cell_height = 44, gap = 2;
  static constexpr int below = 62, scale = 120;  ///< names of columns; the scale of colours

  explicit HeatMapLayout(HeatMap const& map)
      : width(left + static_cast<int>(map.columns.size()) * cell_width + scale),
        height(top + std::max(static_cast<int>(map.rows.size()) * cell_height, 2 * cell_height) +
               below) {}
  int width, height;
};

template <class Canvas>
void draw(HeatMap const& map, Canvas& canvas) {
  using Layout = HeatMapLayout;
  Layout const layout(map);
  auto const percent_of = [](double share) { return fmt::format("{:.0f}%", 100 * share); };
  auto const column_at = [](std::size_t i) {
    return Layout::left + static_cast<int>(i) * Layout::cell_width;
  };
  auto const row_at = [](std::size_t i) {
    return Layout::top + static_cast<int>(i) * Layout::cell_height;
  };
  canvas.text(Layout::left, 24, map.title, Anchor::start);
  canvas.text(Layout::left - 14, Layout::top - 20, map.down, Anchor::end);
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    int const middle = row_at(r) + Layout::cell_height / 2;
    canvas.text(Layout::left - 14, middle, map.rows[r], Anchor::end);
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      auto const& value = map.values[r][c];
      if (!value) continue;
      canvas.fill(column_at(c), row_at(r), Layout::cell_width - Layout::gap,
                  Layout::cell_height - Layout::gap, heat_colour(*value));
      canvas.text(column_at(c) + Layout::cell_width / 2, middle, percent_of(*value),
                  Anchor::middle);
    }
  }
  for (std::size_t c = 0; c < map.columns.size(); ++c) {
    canvas.text(column_at(c) + Layout::cell_width / 2, row_at(map.rows.size()) + 16, map.columns[c],
                Anchor::middle);
  }
  canvas.text(Layout::left, row_at(map.rows.size()) + 44, map.across, Anchor::start);

  int const x = column_at(map.columns.size()) + 24, bottom = layout.height - Layout::below;
  for (int y = Layout::top; y < bottom; ++y) {
    double const share = static_cast<double>(bottom - 1 - y) / (bottom - 1 - Layout::top);
    canvas.fill(x, y, 18, 1, heat_colour(share));
  }
  canvas.text(x + 26, Layout::top + 7, percent_of(1), Anchor::start);
  canvas.text(x + 26, bottom - 7, percent_of(0), Anchor::start);
}

}  // namespace detail

/// A file that needs nothing else.
inline std::string heatmap_svg(HeatMap const& map) {
  detail::HeatMapLayout const layout(map);
  detail::SvgCanvas canvas(layout.width, layout.height, map.title);
  detail::draw(map, canvas);
  return std::move(canvas).finish();
}

inline media::Image heatmap_picture(HeatMap const& map) {
  detail::HeatMapLayout const layout(map);
  detail::PixelCanvas canvas(layout.width, layout.height);
  detail::draw(map, canvas);
  return std::move(canvas).finish();
}

}  // namespace vcflash::app
