#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <numeric>
#include <string>
#include <vector>

#include <tests/media/make_video.hpp>
#include <tests/media/measure.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/media/video.hpp>

using namespace vcflash;
using namespace vcflash::media;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

/// Every golden clip with its file's place in the golden data.
std::vector<json> golden_videos() {
  std::vector<json> videos;
  auto const synthetic = test::golden_json("data/videos.json");
  for (json video : synthetic.at("videos")) {
    video["path"] = "data/videos/" + video.at("file").get<std::string>();
    videos.push_back(std::move(video));
  }
  json natural = test::golden_json("data/natural/natural_video.json").at("video");
  natural["path"] = "data/natural/" + natural.at("file").get<std::string>();
  videos.push_back(std::move(natural));
  return videos;
}

FrameRequest request_of(std::string const& sampling, std::int64_t frames) {
  FrameRequest request;
  request.sampling = sampling == "middle" ? FrameSampling::middle : FrameSampling::dynamic_fps1;
  request.max_frames = frames;
  return request;
}

/// How far block means may be from the recorded ones: more for 10 bits and odd sizes, whose chroma
/// FFmpeg's versions place differently.
double tolerance(json const& video) {
  std::string const file = video.at("file");
  return file.find("10bit") != file.npos || file.find("odd") != file.npos ? 5 : 3;
}

/// The code of a frame as it was drawn, before the container asks for it to be turned.
int code_of(Frames const& frames, int index, int rotation) {
  RgbView const view{frames.frame(index).data(), std::size_t(frames.width) * 3, frames.height,
                     frames.width};
  Turner back((360 - rotation) % 360);
  RgbView const drawn = back(view);
  return test::strip_code({drawn.data, std::size_t(drawn.height) * drawn.stride}, drawn.height,
                          drawn.width);
}

std::vector<int> codes_of(Frames const& frames, int rotation) {
  std::vector<int> codes;
  for (int i = 0; i < frames.count; ++i) codes.push_back(code_of(frames, i, rotation));
  return codes;
}

Frames decode(json const& video, std::vector<std::int64_t> const& wanted) {
  Deadline deadline(default_time_limit);
  VideoFile file(test::golden_file(video.at("path")), deadline);
  return detail::decode_frames(file, wanted, {}, 1);
}

}  // namespace

TEST_CASE("a video's length, rate and size are decord's", "[golden]") {
  for (auto const& video : golden_videos()) {
    CAPTURE(video.at("file"));
    VideoInfo const info = probe_video(test::golden_file(video.at("path")));
    CHECK(info.length == video.at("packets"));
    CHECK(info.length == video.at("decord").at("len"));
    CHECK(info.length - info.shown == video.at("discard_packets"));
    CHECK(info.shown == video.at("decoded_frames"));
    CHECK(info.fps == video.at("decord").at("avg_fps"));
    CHECK(info.duration == video.at("decord").at("duration"));
    CHECK(info.rotation == video.at("rotation_cw"));
    auto const& shape = video.at("frames")[0].at("shape_hwc");
    CHECK(json{info.height, info.width, 3} == shape);
  }
}

TEST_CASE("decoded frames are the recorded ones, however many are asked for", "[golden]") {
  for (auto const& video : golden_videos()) {
    CAPTURE(video.at("file"));
    std::vector<std::int64_t> wanted;
    for (auto const& frame : video.at("frames")) wanted.push_back(frame.at("index"));
    Frames const together = decode(video, wanted);
    REQUIRE(together.count == int(wanted.size()));
    for (int i = 0; i < together.count; ++i) {
      auto const& recorded = video["frames"][std::size_t(i)];
      CAPTURE(recorded.at("index"));
      auto const means = test::block_means(together.frame(i), together.height, together.width);
      CHECK(test::farthest(means, recorded.at("filter").at("blocks_8x8")) <= tolerance(video));
      std::vector<double> mean(3);
      for (auto const& block : means) {
        for (std::size_t c = 0; c < 3; ++c) mean[c] += block[c] / double(means.size());
      }
      for (std::size_t c = 0; c < 3; ++c) {
        CHECK(std::abs(mean[c] - recorded["filter"].at("mean")[c].get<double>()) <=
              tolerance(video));
      }
      Frames const alone = decode(video, {wanted[std::size_t(i)]});
      CHECK(std::ranges::equal(alone.frame(0), together.frame(i)));
    }
  }
}

TEST_CASE("frames come in the order they are shown", "[golden]") {
  for (auto const& video : golden_videos()) {
    if (!video.contains("strip_codes_all")) continue;
    CAPTURE(video.at("file"));
    std::vector<std::int64_t> all(video.at("decoded_frames").get<std::size_t>());
    std::iota(all.begin(), all.end(), std::int64_t{0});
    auto const codes = codes_of(decode(video, all), video.at("rotation_cw"));
    auto const& recorded = video["strip_codes_all"];
    for (std::size_t i = 0; i < codes.size(); ++i) {
      CAPTURE(i);
      CHECK(codes[i] == (recorded.is_array() ? recorded[i].get<int>() : int(i)));
    }
  }
}

TEST_CASE("an evaluation's frames of a video or clip are upstream's", "[golden]") {
  for (auto const& video : golden_videos()) {
    if (!video.contains("read_frames_decord")) continue;
    for (auto const& [name, recorded] : video["read_frames_decord"].items()) {
      CAPTURE(video.at("file"), name);
      FrameRequest request = request_of(name.substr(0, name.find('|')), 8);
      request.clip_rule = ClipRule::evaluation;
      if (json const clip =
              name.ends_with("None") ? json{} : json::parse(name.substr(name.find('|') + 1));
          !clip.is_null()) {
        request.start = clip[0];
        request.end = clip[1];
      }
      auto const path = test::golden_file(video.at("path"));
      if (recorded.contains("error")) {
        CHECK_THROWS_AS(read_video(path, request), InputError);
        continue;
      }
      Video const read = read_video(path, request);
      CHECK(json(read.indices) == recorded.at("indices"));
      CHECK(read.duration == recorded.at("duration"));
      CHECK(read.frames.count == int(read.indices.size()));
      if (!video.contains("strip_codes_all") || !video["strip_codes_all"].is_array()) continue;
      auto const codes = codes_of(read.frames, video.at("rotation_cw"));
      auto const& shown = video["strip_codes_all"];
      for (std::size_t i = 0; i < codes.size(); ++i) {
        CHECK(codes[i] == shown[std::min(std::size_t(read.indices[i]), shown.size() - 1)]);
      }
    }
  }
}

TEST_CASE("an AVI is measured as upstream's PyAV reader measures it", "[golden]") {
  for (auto const& video : golden_videos()) {
    if (!video.contains("read_frames_av")) continue;
    std::string const file = video.at("file");
    for (auto const& [name, recorded] : video["read_frames_av"].items()) {
      CAPTURE(file, name);
      FrameRequest request = request_of(name, 8);
      request.clip_rule = ClipRule::evaluation;
      request.reader = VideoReader::av;
      auto const path = test::golden_file(video.at("path"));
      // a stream that starts later than it is long has a negative rate upstream; here it is refused
      if (recorded.contains("error") || recorded.at("fps") <= 0) {
        CHECK_THROWS_AS(read_video(path, request), InputError);
        continue;
      }
      Video const read = read_video(path, request);
      CHECK(json(read.indices) == recorded.at("indices"));
      CHECK(read.fps == recorded.at("fps"));
      CHECK(read.duration == recorded.at("duration"));
      CHECK((decode(video, recorded.at("decoded_index_of_each")).rgb == read.frames.rgb));
      if (!file.ends_with(".avi")) continue;
      request.reader = VideoReader::decord;
      CHECK(read_video(path, request).fps == recorded.at("fps"));
    }
  }
}

TEST_CASE("a GIF is measured and read as upstream's GIF reader does it", "[golden]") {
  auto const golden = test::golden_json("data/videos.json");
  auto const& recorded = golden.at("meta").at("gif_reader");
  FrameRequest request = request_of("middle", std::int64_t(recorded.at("indices").size()));
  request.reader = VideoReader::gif;
  Video const read = read_video(test::golden_file("data/videos/anim.gif"), request);
  CHECK(json(read.indices) == recorded.at("indices"));
  CHECK(read.fps == recorded.at("fps"));
  CHECK(read.duration == recorded.at("duration"));
  CHECK(json{read.frames.count, read.frames.height, read.frames.width, 3} == recorded.at("shape"));
  for (int i = 0; i < read.frames.count; ++i) {
    CHECK(recorded.at("sha256_each")[std::size_t(i)] == test::sha256(read.frames.frame(i)));
  }
  CHECK(
      test::farthest(test::block_means(read.frames.frame(0), read.frames.height, read.frames.width),
                     recorded.at("blocks_first")) <= 0.0051);
}

TEST_CASE("a training clip's frames are those of upstream's lazy reader", "[golden]") {
  for (auto const& video : golden_videos()) {
    std::string const file = video.at("file");
    for (auto const& recorded : video.at("lazy_clip")) {
      // in an AVI upstream also loses the two frames that precede a key frame it seeks to
      if (file.ends_with(".avi") && recorded.at("start") != 0) continue;
      CAPTURE(file, recorded.dump());
      FrameRequest request = request_of("middle", recorded.at("num_frames"));
      request.start = recorded.at("start");
      request.end = recorded.at("end");
      auto const path = test::golden_file(video.at("path"));
      if (recorded.contains("error")) {
        CHECK_THROWS_AS(read_video(path, request), InputError);
        continue;
      }
      Video const read = read_video(path, request);
      CHECK(json(read.indices) == recorded.at("frame_index"));
      CHECK(read.fps == recorded.at("fps"));
      CHECK(read.frames.count == recorded.at("returned"));
      if (recorded.contains("strip_codes")) {
        CHECK(json(codes_of(read.frames, video.at("rotation_cw"))) == recorded["strip_codes"]);
      }
      std::vector<std::int64_t> const decoded = recorded.at("decoded_index_of_each");
      CHECK((decode(video, decoded).rgb == read.frames.rgb));
    }
  }
}

TEST_CASE("frames are resized to a square on the way", "[golden]") {
  for (auto const& video : golden_videos()) {
    CAPTURE(video.at("file"));
    FrameRequest const request = request_of("middle", 4);
    auto const path = test::golden_file(video.at("path"));
    Video const full = read_video(path, request), small = read_video(path, request, 32);
    CHECK(small.frames.height == 32);
    CHECK(small.frames.width == 32);
    CHECK((resize_bicubic(full.frames, 32, 32).rgb == small.frames.rgb));
    CHECK((read_video(path, request, 32, default_time_limit, 3).frames.rgb == small.frames.rgb));
  }
}

TEST_CASE("given frames are read in the order they are asked for", "[golden]") {
  for (auto const& video : golden_videos()) {
    if (!video.contains("strip_codes_all") || !video["strip_codes_all"].is_array()) continue;
    CAPTURE(video.at("file"));
    std::vector<int> const codes = video["strip_codes_all"];
    auto const path = test::golden_file(video.at("path"));
    auto const last = std::int64_t(codes.size()) - 1;
    Frames const frames = read_frames(path, {last, last / 3, last / 3, last / 2});
    CHECK(codes_of(frames, video.at("rotation_cw")) ==
          std::vector{codes[std::size_t(last)], codes[std::size_t(last / 3)],
                      codes[std::size_t(last / 3)], codes[std::size_t(last / 2)]});
    CHECK_THROWS_WITH(read_frames(path, {last + 1}), ContainsSubstring("was asked for"));
    CHECK_THROWS_WITH(read_frames(path, {-1}), ContainsSubstring("frame -1 was asked for"));
  }
}

TEST_CASE("a damaged file costs a sentence or some frames, never a crash or a hang", "[golden]") {
  auto const golden = test::golden_json("data/videos.json");
  int refused = 0, read = 0;
  for (auto const& row : golden.at("meta").at("broken")) {
    if (!row.contains("expect")) continue;
    std::string const file = row.at("file"), expect = row["expect"];
    CAPTURE(file, expect);
    auto const path = test::golden_file("data/videos/" + file);
    bool const must_fail = row.contains("open_error") || row.contains("no_video");
    FrameRequest const request = request_of("middle", 8);
    try {
      Video const video = read_video(path, request, 32, std::chrono::seconds(20));
      CHECK_FALSE(must_fail);
      CHECK(video.frames.count == 8);
      CHECK(probe_video(path).length == row.at("packets"));
      ++read;
    } catch (InputError const& error) {
      CHECK_THAT(error.what(), ContainsSubstring(file.substr(file.rfind('/') + 1) + ": "));
      CHECK(std::string(error.what()).find('\n') == std::string::npos);
      ++refused;
    }
  }
  CHECK(refused > 0);
  CHECK(read > 0);
}

TEST_CASE("a clip cut off anywhere is read or refused", "[unit]") {
  test::TemporaryFolder const folder;
  Frames frames{12, 32, 48, {}};
  for (std::size_t b = 0; b < 12 * frames.frame_bytes(); ++b) {
    frames.rgb.push_back(std::uint8_t(b * b / 977));
  }
  write_video(folder / "whole.mp4", frames);
  auto const bytes = test::read_file(folder / "whole.mp4");
  std::uint32_t state = 3;
  for (int round = 0; round < 60; ++round) {
    auto damaged =
        bytes.substr(0, round % 2 == 0 ? bytes.size() : bytes.size() * std::size_t(round) / 60);
    for (int hit = 0; hit < 3 && round % 2 == 0; ++hit) {
      state = state * 1664525 + 1013904223;
      damaged[(state >> 4) % damaged.size()] = char(state >> 24);
    }
    auto const path = folder.write("damaged.mp4", damaged);
    try {
      Video const video = read_video(path, request_of("middle", 4), 16, std::chrono::seconds(10));
      CHECK(video.frames.count == 4);
    } catch (InputError const&) {
    }
  }
}

TEST_CASE("what is no video file is named, with what is wrong", "[unit]") {
  test::TemporaryFolder const folder;
  FrameRequest const request;
  CHECK_THROWS_WITH(read_video(folder / "none.mp4", request),
                    ContainsSubstring("none.mp4: no such file"));
  CHECK_THROWS_WITH(read_video(folder.path(), request), ContainsSubstring("not a file"));
  CHECK_THROWS_WITH(read_video(folder.write("empty.mp4", ""), request),
                    ContainsSubstring("is empty"));
  CHECK_THROWS_WITH(read_video(folder.write("text.mp4", std::string(500, 'x')), request),
                    ContainsSubstring("text.mp4: not a readable video"));
}

TEST_CASE("a playlist does not make a program open what it names", "[unit]") {
  test::TemporaryFolder const folder;
  write_video(folder / "clip.mp4", Frames{1, 16, 16, std::vector<std::uint8_t>(768)});
  auto const list = folder.write("list.mp4", "ffconcat version 1.0\nfile clip.mp4\n");
  CHECK_THROWS_AS(read_video(list, FrameRequest{}), InputError);
  auto const hls = folder.write(
      "list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n");
  CHECK_THROWS_AS(read_video(hls, FrameRequest{}), InputError);
}

TEST_CASE("reading stops when its time is over", "[unit]") {
  test::TemporaryFolder const folder;
  write_video(folder / "clip.mp4", Frames{1, 16, 16, std::vector<std::uint8_t>(768)});
  CHECK_THROWS_WITH(
      read_video(folder / "clip.mp4", FrameRequest{}, {}, std::chrono::milliseconds(0)),
      ContainsSubstring("clip.mp4: not read within 0 ms"));
}

TEST_CASE("a clip that ends before it begins holds no frames", "[unit]") {
  test::TemporaryFolder const folder;
  write_video(folder / "clip.mp4", Frames{1, 16, 16, std::vector<std::uint8_t>(768)});
  FrameRequest request = request_of("dynamic_fps1", 4);
  request.start = 3.0;
  request.end = 0.0;
  CHECK_THROWS_WITH(read_video(folder / "clip.mp4", request), ContainsSubstring("holds no frames"));
}

TEST_CASE("a film that says nothing of its rate is measured by its frames' own times", "[unit]") {
  test::TemporaryFolder const folder;
  std::vector<std::int64_t> times = test::steadily(10, 30);
  for (auto const time : test::steadily(80, 30)) times.push_back(60000 + time);  // after a pause
  test::write_film(folder / "recorded.webm", {{.codec = AV_CODEC_ID_VP8, .milliseconds = times}});
  Deadline deadline(default_time_limit);
  VideoFile const file(folder / "recorded.webm", deadline);
  REQUIRE(file.stream().avg_frame_rate.num == 0);
  VideoInfo const info = probe_video(folder / "recorded.webm");
  CHECK(info.length == 90);
  CHECK(info.duration > 62.6);  // the last frame is shown at 62.633
  CHECK(info.duration < 62.7);
  CHECK(info.fps == info.moments_fps);
  Video const video = read_video(folder / "recorded.webm", request_of("dynamic_fps1", 16), 16);
  CHECK(video.frames.count == 16);
}

TEST_CASE("a clip that passes its film's end says so, before and while it is read", "[unit]") {
  test::TemporaryFolder const folder;
  Frames const frames{16, 16, 16, std::vector<std::uint8_t>(16 * 768)};
  write_video(folder / "film.mp4", frames, {.fps = 4});
  auto const path = folder / "film.mp4";
  FrameRequest request = request_of("dynamic_fps1", 8);
  auto const both = [&](double start, double end, std::string const& words) {
    request.start = start;
    request.end = end;
    CHECK_THROWS_WITH(read_video(path, request), ContainsSubstring(words));
    CHECK_THROWS_WITH(plan_video(path, request), ContainsSubstring(words));
  };
  both(3.5, 60, "passes the film's end at second 4: of 8 frames 1 are there");
  both(50, 60, "holds no frames; the film ends at second 4");
  for (auto const& [start, end] : {std::pair{0.0, 4.0}, {1.0, 3.5}, {2.0, 6.0}}) {
    request.start = start;
    request.end = end;
    auto const chosen = plan_video(path, request);
    Video const video = read_video(path, request);
    CHECK(chosen.frames == video.frames.count);
    CHECK(chosen.duration == video.duration);
  }
}
