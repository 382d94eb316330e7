#include <sys/resource.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <string>
#include <vector>

#include <tests/media/measure.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/normalize.hpp>
#include <vcflash/media/preprocess.hpp>

using namespace vcflash;
using namespace vcflash::media;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

constexpr double rounding = 5.1e-5;  // block means are recorded with four decimals
constexpr double float_text = 1e-7;

void check_close(json const& recorded, std::vector<double> const& values, double tolerance) {
  REQUIRE(recorded.size() == values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(values[i] - recorded[i].get<double>()) <=
          tolerance * std::max(1.0, std::abs(values[i])));
  }
}

/// A prepared picture as the recorded values look at it.
struct Prepared {
  Image image;
  std::vector<float> chw;

  explicit Prepared(Image prepared) : image(std::move(prepared)), chw(image.rgb.size()) {
    NormalizeTable const table(imagenet_statistics);
    table(image.rgb, chw);
  }

  /// 16 numbers of a channel's row, from a column on.
  std::vector<double> numbers(int channel, int row, int column) const {
    auto const begin = chw.begin() + (channel * image.height + row) * image.width + column;
    return {begin, begin + 16};
  }

  std::vector<int> bytes(int row, int column) const {
    auto const begin = image.rgb.begin() + (row * image.width + column) * 3;
    return {begin, begin + 48};
  }

  std::vector<double> channel_means() const {
    std::vector<double> means;
    auto const pixels = std::ptrdiff_t(chw.size() / 3);
    for (std::ptrdiff_t c = 0; c < 3; ++c) {
      double sum = 0;
      for (std::ptrdiff_t p = 0; p < pixels; ++p) sum += double(chw[std::size_t(c * pixels + p)]);
      means.push_back(sum / double(pixels));
    }
    return means;
  }
};

void check_square(json const& expected, Image const& source, int side, std::string const& folder) {
  CAPTURE(side);
  if (expected.contains("error")) {
    CHECK_THROWS_AS(to_square(source, side), InputError);
    return;
  }
  Prepared const square(to_square(source, side));
  Image const& image = square.image;
  CHECK(expected.at("u8_sha256") == test::sha256(image.rgb));
  CHECK(test::farthest(test::block_means(image.rgb, side, side),
                       expected.at("u8_block_means_8x8")) <= rounding);
  CHECK(expected.at("row0_u8") == json(square.bytes(0, 0)));
  CHECK(expected.at("mid_u8") == json(square.bytes(side / 2, side / 2 - 8)));
  CHECK(expected.at("last_u8") == json(square.bytes(side - 1, side - 16)));
  check_close(expected.at("float_row0_ch0_first16"), square.numbers(0, 0, 0), float_text);
  check_close(expected.at("float_mid_ch1"), square.numbers(1, side / 2, side / 2 - 8), float_text);
  check_close(expected.at("float_last_ch2"), square.numbers(2, side - 1, side - 16), float_text);
  check_close(expected.at("float_mean_per_ch"), square.channel_means(), 1e-6);
  if (expected.contains("u8_file")) {
    std::string const stored = expected.at("u8_file");
    CHECK((read_image(test::golden_file(folder + stored)).rgb == image.rgb));
  }
}

void check_tiles(json const& expected, Image const& source, int tile) {
  CAPTURE(tile);
  Extent const grid = best_grid({source.width, source.height}, grids({1, 1}, {6, 6}, tile), tile);
  CHECK(json{grid.width, grid.height} == expected.at("best_wh"));
  Image const stretched = resize_bicubic(source, grid.height, grid.width);
  CHECK(expected.at("resized_u8_sha256") == test::sha256(stretched.rgb));
  CHECK(test::farthest(test::block_means(stretched.rgb, grid.height, grid.width),
                       expected.at("resized_u8_block_means_8x8")) <= rounding);
  Frames const tiles = cut_tiles(source, grid, tile);
  CHECK(json{tiles.count, 3, tiles.height, tiles.width} == expected.at("out_shape"));
  REQUIRE(expected.at("tiles").size() == std::size_t(tiles.count));
  NormalizeTable const table(imagenet_statistics);
  for (int t = 0; t < tiles.count; ++t) {
    CAPTURE(t);
    auto const& recorded = expected["tiles"][std::size_t(t)];
    auto const pixels = tiles.frame(t);
    CHECK(recorded.at("u8_sha256") == test::sha256(pixels));
    std::vector<double> mean(3), first;
    for (std::size_t b = 0; b < pixels.size(); ++b) mean[b % 3] += pixels[b];
    for (auto& channel : mean) channel /= double(tile) * tile;
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK(std::abs(mean[c] - recorded.at("mean_u8")[c].get<double>()) <= rounding);
    }
    for (std::size_t p = 0; p < 8; ++p) first.push_back(double(table(0, pixels[p * 3])));
    check_close(recorded.at("float_ch0_row0_first8"), first, float_text);
  }
}

void check_padded(json const& expected, Image const& source) {
  if (expected.contains("error")) {
    CHECK_THROWS_AS(to_square(pad_to_square(source), 224), InputError);
    return;
  }
  auto const& fill = expected.at("fill_rgb");
  Image const padded = pad_to_square(source, {fill[0], fill[1], fill[2]});
  CHECK(expected.at("square") == padded.height);
  CHECK((padded.rgb == pad_to_square(source).rgb));
  Prepared const square(to_square(padded, 224));
  CHECK(expected.at("u8_sha256") == test::sha256(square.image.rgb));
  CHECK(test::farthest(test::block_means(square.image.rgb, 224, 224),
                       expected.at("u8_block_means_8x8")) <= rounding);
  check_close(expected.at("float_mid_ch1"), square.numbers(1, 112, 104), float_text);
}

/// Every stored output of a PNG; JPEG decoders differ, and are compared in image_test.cpp.
void check_prepared(json const& row, std::string const& folder) {
  std::string const file = row.at("file");
  if (!file.ends_with(".png") || row.contains("error")) return;
  CAPTURE(file);
  Image const image = read_image(test::golden_file(folder + file));
  for (int const side : {224, 448}) {
    check_square(row.at("preprocess_" + std::to_string(side)), image, side, folder);
    check_tiles(row.at("anyres_nopad_" + std::to_string(side)), image, side);
  }
  if (row.contains("pad_224")) check_padded(row["pad_224"], image);
}

}  // namespace

TEST_CASE("pictures are prepared as the reference prepares them", "[golden]") {
  auto const golden = test::golden_json("data/pixels.json");
  for (auto const& row : golden.at("rows")) check_prepared(row, "data/pixels/");
}

TEST_CASE("a natural picture is prepared as the reference prepares it", "[golden]") {
  auto const golden = test::golden_json("data/natural/natural_pixels.json");
  for (auto const& row : golden.at("pixels")) check_prepared(row, "data/natural/");
}

TEST_CASE("grids are chosen as the reference chooses them", "[golden]") {
  auto const golden = test::golden_json("data/anyres.json");
  for (auto const& row : golden.at("rows")) {
    CAPTURE(row.dump());
    int const tile = row.at("patch_size");
    std::optional<std::int64_t> most;
    if (!row.at("max_resolutions").is_null()) most = row["max_resolutions"];
    bool const video = row.at("kind") == "video_nopad";
    auto const& size = row.at(video ? "frame_hw" : "size");
    std::optional<Extent> best;
    try {
      best = best_grid({size[0], size[1]}, parse_grids(row.at("grid_pinpoints"), tile), tile, most);
    } catch (Error const&) {
    }
    std::string const chosen = video ? "target_hw" : "best";
    CHECK(best.has_value() == row.contains(chosen));
    if (!best || !row.contains(chosen)) continue;
    CHECK(json{best->width, best->height} == row[chosen]);
    if (video || row.contains("error")) continue;  // upstream cuts tiles of certain sizes only
    CHECK(json{best->width / tile, best->height / tile} == row.at("grid_shape"));
    auto const across = (best->width + tile - 1) / tile, down = (best->height + tile - 1) / tile;
    CHECK(row.at("tiles") == across * down);
  }
}

TEST_CASE("a padded picture stands in the middle", "[unit]") {
  Image const wide{1, 4, std::vector<std::uint8_t>(12, 9)};
  Image const square = pad_to_square(wide, {1, 2, 3});
  CHECK(square.height == 4);
  CHECK(square.width == 4);
  std::vector<std::uint8_t> const border{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3};
  CHECK(std::equal(border.begin(), border.end(), square.rgb.begin()));
  CHECK(std::count(square.rgb.begin() + 12, square.rgb.begin() + 24, 9) == 12);
}

TEST_CASE("a picture without a grid to choose is refused", "[unit]") {
  CHECK_THROWS_WITH(best_grid({10, 10}, {}, 224), ContainsSubstring("no grid"));
  CHECK_THROWS_WITH(parse_grids("square", 224), ContainsSubstring("square"));
}

TEST_CASE("padding a picture on its way makes the pixels that padding it first makes", "[unit]") {
  for (auto const& [height, width] : {std::pair{7, 90},
                                      {90, 7},
                                      {1, 300},
                                      {300, 1},
                                      {64, 64},
                                      {50, 49},
                                      {2000, 13},
                                      {13, 2000},
                                      {20000, 3}}) {
    Image image{height, width, {}};
    for (int b = 0; b < height * width * 3; ++b) image.rgb.push_back(std::uint8_t(b * 37 + b / 91));
    for (int const side : {1, 16, 90, 224}) {
      if (height == 20000 && side > 16) continue;  // the large square takes a second
      CAPTURE(height, width, side);
      CHECK((to_padded_square(image, side, {9, 99, 200}).rgb ==
             to_square(pad_to_square(image, {9, 99, 200}), side).rgb));
    }
  }
  CHECK_THROWS_AS(to_padded_square({1, 1, {1, 2, 3}}, 8), InputError);
}

TEST_CASE("a long narrow picture is padded in little memory", "[unit]") {
  Image const tall{60000, 8, std::vector<std::uint8_t>(60000 * 8 * 3, 50)};
  Image const wide{8, 60000, std::vector<std::uint8_t>(60000 * 8 * 3, 50)};
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  for (Image const& image : {tall, wide}) CHECK(to_padded_square(image, 448).width == 448);
  getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < 64 * 1024);  // KiB; the square has 10 GiB
}
