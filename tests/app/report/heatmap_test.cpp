#include <vcflash/app/report/heatmap.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include <vcflash/media/encode.hpp>
#include <vcflash/media/image.hpp>

using namespace vcflash;
using app::Colour;
using Catch::Matchers::ContainsSubstring;

namespace {

app::HeatMap some_map() {
  return {"needles & hay",  "frames",     "depth",
          {"1.0K", "2.0K"}, {"0", "100"}, {{1.0, 0.5}, {std::nullopt, 0.0}}};
}

/// Whether a picture has a pixel of this colour.
bool has(media::Image const& image, Colour colour) {
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) {
    if (Colour{image.rgb[i], image.rgb[i + 1], image.rgb[i + 2]} == colour) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("nothing is red, all is green, and half is upstream's yellow", "[unit]") {
  CHECK(app::heat_colour(0) == Colour{0xF0, 0x49, 0x6E});
  CHECK(app::heat_colour(0.5) == Colour{0xEB, 0xB8, 0x39});
  CHECK(app::heat_colour(1) == Colour{0x9A, 0xD5, 0xB3});
  CHECK(app::heat_colour(7) == app::heat_colour(1));
}

TEST_CASE("a heat map as SVG has a cell for each value and says what it shows", "[unit]") {
  auto const svg = app::heatmap_svg(some_map());
  CHECK(svg.starts_with("<svg xmlns="));
  CHECK_THAT(svg, ContainsSubstring("needles &amp; hay") && ContainsSubstring(">1.0K<") &&
                      ContainsSubstring(">frames<") && ContainsSubstring(">depth<"));
  CHECK_THAT(svg, ContainsSubstring("#9ad5b3") && ContainsSubstring("#ebb839") &&
                      ContainsSubstring("#f0496e"));
  std::size_t cells = 0;
  for (std::size_t at = svg.find("width=\"90\""); at != std::string::npos;
       at = svg.find("width=\"90\"", at + 1)) {
    ++cells;
  }
  CHECK(cells == 3);
}

TEST_CASE("a heat map as pixels comes back from a PNG file as it was drawn", "[unit]") {
  auto const picture = app::heatmap_picture(some_map());
  CHECK(has(picture, app::heat_colour(0.5)));
  CHECK(has(picture, {0x1B, 0x1D, 0x22}));  // letters
  auto const read = media::decode_image(media::encode_png(picture), "heatmap.png");
  CHECK(read.width == picture.width);
  CHECK(read.rgb == picture.rgb);
}

TEST_CASE("an empty heat map is drawn, too", "[unit]") {
  CHECK_THAT(app::heatmap_svg({"none", "a", "b", {}, {}, {}}), ContainsSubstring("none"));
  CHECK(app::heatmap_picture({}).width > 0);
}
