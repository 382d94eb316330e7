#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <tests/media/make_video.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/media/packets.hpp>

using namespace vcflash;
using namespace vcflash::media;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

/// The first `count` and last `count` of a list that is recorded whole or by its ends.
void check_ends(json const& recorded, std::vector<std::int64_t> const& values) {
  if (recorded.is_array()) {
    CHECK(recorded == json(values));
    return;
  }
  auto const& first = recorded.at("first");
  auto const& last = recorded.at("last");
  REQUIRE(values.size() >= std::max(first.size(), last.size()));
  CHECK(first == json(std::vector(values.begin(), values.begin() + std::ptrdiff_t(first.size()))));
  CHECK(last == json(std::vector(values.end() - std::ptrdiff_t(last.size()), values.end())));
}

void check_packets(json const& video, std::string const& path) {
  CAPTURE(path);
  Deadline deadline(std::chrono::minutes(1));
  VideoFile const file(test::golden_file(path), deadline);
  std::vector<std::int64_t> moments, keys;
  std::int64_t hidden = 0;
  for (std::int64_t p = 0; p < file.length(); ++p) {
    auto const& fact = file.facts(std::size_t(p));
    moments.push_back(fact.pts);
    if (fact.key) keys.push_back(p);
    hidden += fact.hidden ? 1 : 0;
  }
  std::sort(moments.begin(), moments.end());
  check_ends(video.at("packet_pts_sorted"), moments);
  CHECK(video.at("key_packets_in_file_order") == json(keys));
  CHECK(video.at("discard_packets") == hidden);
  CHECK(video.at("packets") == file.length());
  CHECK(video.at("decoded_frames") == file.shown());
  auto const& stream = video.at("stream");
  CHECK(stream.at("index") == file.stream().index);
  CHECK(stream.at("codec_name") == avcodec_get_name(file.stream().codecpar->codec_id));
  CHECK(stream.at("width") == file.stream().codecpar->width);
  CHECK(stream.at("height") == file.stream().codecpar->height);
  auto const unit = file.stream().time_base;
  CHECK(stream.at("time_base") == std::to_string(unit.num) + "/" + std::to_string(unit.den));
  REQUIRE(file.timed());
  for (auto const& frame : video.at("frames")) {
    std::int64_t const index = frame.at("index");
    CHECK(frame.at("pts") == file.pts_of(index));
    CHECK(file.frame_at(frame.at("pts")) == index);
    CHECK(std::abs(double(file.pts_of(index)) * av_q2d(unit) - frame.at("time").get<double>()) <
          1e-6);
  }
}

}  // namespace

TEST_CASE("the packets of every container are those that were recorded", "[golden]") {
  auto const golden = test::golden_json("data/videos.json");
  for (auto const& video : golden.at("videos")) {
    check_packets(video, "data/videos/" + video.at("file").get<std::string>());
  }
  json const natural = test::golden_json("data/natural/natural_video.json").at("video");
  check_packets(natural, "data/natural/" + natural.at("file").get<std::string>());
}

TEST_CASE("packets that were not kept are read again, byte for byte", "[golden]") {
  Deadline deadline(std::chrono::minutes(1));
  int placed = 0, from_the_start = 0;
  auto const golden = test::golden_json("data/videos.json");
  for (auto const& video : golden.at("videos")) {
    CAPTURE(video.at("file"));
    auto const path = test::golden_file("data/videos/" + video.at("file").get<std::string>());
    VideoFile kept(path, deadline), reread(path, deadline, 100);
    REQUIRE(kept.length() == reread.length());
    REQUIRE(kept.random_access());
    ++(reread.random_access() ? placed : from_the_start);
    Packet buffer, other;
    auto const check = [&](std::int64_t p) {
      AVPacket const* const a = kept.packet(std::size_t(p), buffer);
      AVPacket const* const b = reread.packet(std::size_t(p), other);
      REQUIRE(a != nullptr);
      REQUIRE(b != nullptr);
      CHECK(a->pts == b->pts);
      CHECK(a->dts == b->dts);
      CHECK(a->flags == b->flags);
      CHECK(std::vector(a->data, a->data + a->size) == std::vector(b->data, b->data + b->size));
    };
    for (std::int64_t p = 0; p < kept.length(); p += 7) check(p);
    check(kept.length() / 20);
  }
  CHECK(placed > 3);
  CHECK(from_the_start > 0);
}

TEST_CASE("a file without video says so", "[golden]") {
  Deadline deadline(std::chrono::minutes(1));
  CHECK_THROWS_WITH(VideoFile(test::golden_file("data/videos/broken/audio_only.mp4"), deadline),
                    ContainsSubstring("audio_only.mp4: holds no video"));
}

TEST_CASE("a named pipe is not opened, since that could wait for ever", "[unit]") {
  test::TemporaryFolder const folder;
  auto const pipe = folder / "pipe.mp4";
  REQUIRE(std::system(("mkfifo '" + pipe.string() + "'").c_str()) == 0);
  Deadline deadline(std::chrono::minutes(1));
  CHECK_THROWS_WITH(VideoFile(pipe, deadline), ContainsSubstring("pipe.mp4: not a file"));
}

TEST_CASE("a film of unknown length may take as long as its frames say", "[unit]") {
  test::TemporaryFolder const folder;
  test::write_film(folder / "live.mkv", {{.milliseconds = test::steadily(400, 10)}}, true);
  auto const bytes = std::filesystem::file_size(folder / "live.mkv");
  REQUIRE(bytes > 10000);
  Deadline deadline({std::chrono::seconds(20), 1});
  VideoFile const live(folder / "live.mkv", deadline);
  CHECK(live.length() == 400);
  deadline.add_waiting(std::chrono::seconds(20) + std::chrono::milliseconds(bytes / 2));
  CHECK_NOTHROW(deadline.check(live.name()));
  deadline.add_waiting(std::chrono::milliseconds(bytes));  // no longer than its bytes allow
  CHECK_THROWS_AS(deadline.check(live.name()), TooSlow);
}
