#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include <tests/media/make_video.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/media/convert.hpp>
#include <vcflash/media/decode.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/media/key_frames.hpp>
#include <vcflash/media/packets.hpp>

using namespace vcflash;
using namespace vcflash::media;

namespace {

std::vector<std::int64_t> keys_of(VideoFile const& file) {
  std::vector<std::int64_t> keys;
  for (std::int64_t p = 0; p < file.length(); ++p)
    if (file.facts(std::size_t(p)).key) keys.push_back(p);
  return keys;
}

/// The same mp4 without its table of key frames, which by the standard means that all are.
std::filesystem::path without_table(test::TemporaryFolder const& folder,
                                    std::filesystem::path const& path) {
  auto bytes = test::read_file(path);
  auto const table = bytes.find("stss");
  REQUIRE(table != bytes.npos);
  bytes.replace(table, 4, "free");
  return folder.write("without " + path.filename().string(), bytes);
}

std::vector<std::uint8_t> grey_of(VideoFile& file, std::vector<std::int64_t> const& wanted) {
  std::vector<std::uint8_t> greys(wanted.size());
  RgbConverter convert;
  FrameDecoder decode(file);
  decode(wanted, 1, [&](int, std::size_t place, AVFrame const& frame) {
    greys[place] = convert(frame, frame.height, frame.width).data[0];
  });
  return greys;
}

}  // namespace

TEST_CASE("a film whose every packet is flagged as a key frame is looked into", "[unit]") {
  test::TemporaryFolder const folder;
  test::write_film(folder / "mpeg4.mp4", {{.milliseconds = test::steadily(60, 10)}});
  Frames frames{600, 32, 48, {}};
  for (int i = 0; i < frames.count; ++i)
    frames.rgb.insert(frames.rgb.end(), frames.frame_bytes(), std::uint8_t(20 + i % 200));
  write_video(folder / "h264.mp4", frames, {.fps = 25});
  for (char const* name : {"mpeg4.mp4", "h264.mp4"}) {
    CAPTURE(name);
    Deadline deadline(std::chrono::minutes(1));
    VideoFile told(folder / name, deadline);
    VideoFile untold(without_table(folder, folder / name), deadline);
    REQUIRE(keys_of(told).size() > 1);
    CHECK(keys_of(untold) == keys_of(told));
    std::int64_t const last = told.shown() - 1;
    std::vector<std::int64_t> const wanted{1, last / 2, last - 3};
    CHECK(grey_of(untold, wanted) == grey_of(told, wanted));
  }
}

TEST_CASE("where nothing is known of a codec's packets, decoding begins at the first", "[unit]") {
  test::TemporaryFolder const folder;
  test::write_film(folder / "wmv.avi",
                   {{.codec = AV_CODEC_ID_MSMPEG4V3, .milliseconds = test::steadily(30, 10)}});
  Deadline deadline(std::chrono::minutes(1));
  VideoFile film(folder / "wmv.avi", deadline);
  KeyFrameCheck check(film.stream());
  Packet buffer;
  for (std::size_t p = 0; p < std::size_t(film.length()); ++p) {
    Packet const packet(av_packet_clone(film.packet(p, buffer)));
    packet->flags |= AV_PKT_FLAG_KEY;
    check.add(*packet);
  }
  REQUIRE(check.keys());
  CHECK(std::ranges::count(*check.keys(), true) == 1);
  CHECK(check.keys()->front());
}

TEST_CASE("films of whole pictures keep all their key frames", "[unit]") {
  test::TemporaryFolder const folder;
  test::write_film(folder / "jpeg.avi",
                   {{.codec = AV_CODEC_ID_MJPEG, .milliseconds = test::steadily(9, 10)}});
  test::write_film(folder / "intra.mp4", {{.milliseconds = test::steadily(9, 10), .key_every = 0}});
  Deadline deadline(std::chrono::minutes(1));
  for (char const* name : {"jpeg.avi", "intra.mp4"})
    CHECK(keys_of(VideoFile(folder / name, deadline)).size() == 9);
}
