#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <tests/media/make_video.hpp>
#include <tests/media/measure.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/media/image.hpp>

using namespace vcflash;
using namespace vcflash::media;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

/// Checks one golden picture. \param exact pixel by pixel; else block means within the recorded
/// tolerance between JPEG decoders, 1.5, and pixels within 3
void check_picture(nlohmann::json const& row, std::string const& folder) {
  std::string const file = row.at("file");
  CAPTURE(file);
  auto const path = test::golden_file(folder + file);
  if (row.contains("error")) {
    CHECK_THROWS_AS(read_image(path), InputError);
    return;
  }
  bool const exact = file.ends_with(".png");
  Image const image = read_image(path);
  CHECK(nlohmann::json{image.width, image.height} == row.at("size_wh"));
  if (exact) CHECK(row.at("rgb_sha256") == test::sha256(image.rgb));
  auto const means = test::block_means(image.rgb, image.height, image.width);
  CHECK(test::farthest(means, row.at("rgb_block_means_8x8")) <= (exact ? 5.1e-5 : 1.5));
  auto const& first = row.at("rgb_first_pixels");
  REQUIRE(first.size() == std::min<std::size_t>(8, std::size_t(image.width)));
  for (std::size_t p = 0; p < first.size(); ++p) {
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK(std::abs(image.rgb[p * 3 + c] - first[p][c].get<int>()) <= (exact ? 0 : 3));
    }
  }
}

}  // namespace

TEST_CASE("pictures are decoded as Pillow decodes them", "[golden]") {
  auto const golden = test::golden_json("data/pixels.json");
  for (auto const& row : golden.at("rows")) check_picture(row, "data/pixels/");
}

TEST_CASE("a natural picture is decoded as Pillow decodes it", "[golden]") {
  auto const golden = test::golden_json("data/natural/natural_pixels.json");
  for (auto const& row : golden.at("pixels")) check_picture(row, "data/natural/");
}

TEST_CASE("a picture comes back from a PNG file unchanged", "[unit]") {
  Image image{5, 7, {}};
  for (int i = 0; i < 5 * 7 * 3; ++i) image.rgb.push_back(std::uint8_t(i * 37));
  Image const again = decode_image(encode_png(image), "memory");
  CHECK(again.height == 5);
  CHECK(again.width == 7);
  CHECK((again.rgb == image.rgb));
}

TEST_CASE("of a PNG cut off anywhere, the rows that came through are kept", "[unit]") {
  Image image{64, 48, {}};
  std::uint32_t state = 1;
  for (int i = 0; i < 64 * 48 * 3; ++i) {
    state = state * 1664525 + 1013904223;
    image.rgb.push_back(std::uint8_t(state >> 24));
  }
  auto const whole = encode_png(image);
  int read = 0;
  for (std::size_t size = 0; size < whole.size(); size += 61) {
    CAPTURE(size);
    try {
      Image const part = decode_image({whole.begin(), whole.begin() + std::ptrdiff_t(size)}, "cut");
      REQUIRE(part.rgb.size() == image.rgb.size());
      std::size_t const rows =
          std::size_t(std::ranges::mismatch(part.rgb, image.rgb).in1 - part.rgb.begin()) / (48 * 3);
      CHECK(std::all_of(part.rgb.begin() + std::ptrdiff_t(rows + 1) * 48 * 3, part.rgb.end(),
                        [](std::uint8_t byte) { return byte == 0; }));
      ++read;
    } catch (InputError const&) {  // cut off before the pixels
    }
  }
  CHECK(read > 100);
}

TEST_CASE("a file that is no picture is named, with what is wrong", "[unit]") {
  test::TemporaryFolder const folder;
  CHECK_THROWS_WITH(read_image(folder / "none.png"), ContainsSubstring("none.png: no such file"));
  CHECK_THROWS_WITH(read_image(folder.path()), ContainsSubstring("not a file"));
  CHECK_THROWS_WITH(read_image(folder.write("empty.png", "")), ContainsSubstring("is empty"));
  CHECK_THROWS_WITH(read_image(folder.write("text.png", "hello, world")),
                    ContainsSubstring("text.png: not a picture"));
  CHECK_THROWS_WITH(read_image(folder.write("head.png", "\x89PNG\r\n\x1a\n")),
                    ContainsSubstring("cannot be decoded as png"));
  CHECK_THROWS_WITH(decode_image({0xff, 0xd8, 0xff}, "bytes"), StartsWith("bytes: "));
}

TEST_CASE("damaged pictures are decoded or refused, never worse", "[unit]") {
  Image image{40, 40, {}};
  for (int i = 0; i < 40 * 40 * 3; ++i) image.rgb.push_back(std::uint8_t(i * i));
  for (auto const& file : {encode_png(image), encode_jpeg(image)}) {
    std::uint32_t state = 7;
    for (int round = 0; round < 300; ++round) {
      auto damaged = file;
      for (int hit = 0; hit < 4; ++hit) {
        state = state * 1664525 + 1013904223;
        damaged[4 + (state >> 8) % (damaged.size() - 4)] = std::uint8_t(state);
      }
      try {
        Image const read = decode_image(damaged, "damaged");
        CHECK(read.rgb.size() == std::size_t(read.height) * std::size_t(read.width) * 3);
      } catch (InputError const&) {
      }
    }
  }
}

TEST_CASE("of a file that is no picture only the first bytes are read", "[unit]") {
  test::TemporaryFolder const folder;
  std::filesystem::resize_file(folder.write("film.png", "no picture at all, but a film"), 5 << 20);
  test::WatchedSource const film(folder / "film.png");
  Deadline deadline(default_time_limit);
  CHECK_THROWS_WITH(detail::read_picture_file(film, deadline),
                    ContainsSubstring("film.png: not a picture"));
  CHECK(film.bytes_read() == 16);
  auto const huge = folder.write("huge.png", "\x89PNG\r\n\x1a\n12345678");
  std::filesystem::resize_file(huge, (std::int64_t{1} << 30) + 1);  // a hole takes no room
  CHECK_THROWS_WITH(read_image(huge), ContainsSubstring("huge.png: a picture of 1073741825 bytes"));
}

TEST_CASE("a picture that cannot be read is told from one that is broken", "[unit]") {
  test::TemporaryFolder const folder;
  auto const png = encode_png({64, 64, std::vector<std::uint8_t>(64 * 64 * 3, 9)});
  folder.write("a.png", {reinterpret_cast<char const*>(png.data()), png.size()});
  test::WatchedSource const failing(folder / "a.png", 40);
  Deadline deadline(default_time_limit);
  CHECK_THROWS_AS(detail::read_picture_file(failing, deadline), ReadError);
  CHECK_THROWS_AS(read_image(folder / "a.png", std::chrono::milliseconds(0)), TooSlow);
}

TEST_CASE("a picture longer than any is refused before it is made larger", "[unit]") {
  Image const long_one{1, 70000, std::vector<std::uint8_t>(70000 * 3)};
  CHECK_THROWS_WITH(decode_image(encode_png(long_one), "long.png"),
                    ContainsSubstring("long.png: a picture of 70000 x 1 is not taken"));
}

TEST_CASE("sixteen bits of grey in a TIFF are clipped, as Pillow does it", "[unit]") {
  std::vector<std::uint8_t> tiff{'I', 'I', '*', 0, 8, 0, 0, 0, 9, 0};
  auto const put = [&](unsigned value, int bytes) {
    for (int b = 0; b < bytes; ++b) tiff.push_back(std::uint8_t(value >> 8 * b));
  };
  constexpr unsigned pixels = 8 + 2 + 9 * 12 + 4;  // behind the header and nine fields
  for (auto const& [tag, value] : {std::pair{256U, 3U},
                                   {257, 1},
                                   {258, 16},
                                   {259, 1},
                                   {262, 1},
                                   {273, pixels},
                                   {277, 1},
                                   {278, 1},
                                   {279, 6}}) {
    put(tag, 2);
    put(4, 2);  // a number of four bytes
    put(1, 4);
    put(value, 4);
  }
  put(0, 4);
  for (unsigned const grey : {7U, 255U, 25700U}) put(grey, 2);
  CHECK(decode_image(tiff, "a.tiff").rgb ==
        std::vector<std::uint8_t>{7, 7, 7, 255, 255, 255, 255, 255, 255});
}

TEST_CASE("a PPM is a picture", "[unit]") {
  Image const image{2, 1, {1, 2, 3, 200, 100, 0}};
  auto const codec = detail::make_encoder(AV_CODEC_ID_PPM, nullptr, AV_PIX_FMT_RGB24, 2, 1);
  CHECK(decode_image(detail::encode_picture(codec, image), "a.ppm").rgb == image.rgb);
}
