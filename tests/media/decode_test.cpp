#include <algorithm>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <tests/media/make_video.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/media/convert.hpp>
#include <vcflash/media/decode.hpp>
#include <vcflash/media/encode.hpp>

extern "C" {
#include <libavcodec/bsf.h>
}

using namespace vcflash;
using namespace vcflash::media;

namespace {

using Pictures = std::vector<std::vector<std::uint8_t>>;

/// The wanted frames' RGB bytes; empty where one could not be decoded.
Pictures decode(VideoFile& file, std::vector<std::int64_t> const& wanted, int threads = 1) {
  Pictures pictures(wanted.size());
  std::vector<RgbConverter> convert(static_cast<std::size_t>(threads));
  auto const found =
      FrameDecoder(file)(wanted, threads, [&](int thread, std::size_t place, AVFrame const& frame) {
        auto const rgb =
            convert[static_cast<std::size_t>(thread)](frame, frame.height, frame.width);
        pictures[place].assign(rgb.data, rgb.data + rgb.stride * std::size_t(rgb.height));
      });
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == !pictures[i].empty());
  return pictures;
}

std::vector<std::int64_t> everything(VideoFile const& file) {
  std::vector<std::int64_t> all(std::size_t(file.shown()));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  return all;
}

/// The frame in the middle of each `step` frames.
std::vector<std::int64_t> every(std::int64_t step, VideoFile const& file) {
  std::vector<std::int64_t> wanted;
  for (std::int64_t i = step / 2; i < file.shown(); i += step) wanted.push_back(i);
  return wanted;
}

/// Calls `body(VideoFile&)` for each golden video.
template <class Body>
void for_each_golden_video(Body&& body) {
  auto const golden = test::golden_json("data/videos.json");
  for (auto const& video : golden.at("videos")) {
    CAPTURE(video.at("file"));
    Deadline deadline(std::chrono::minutes(1));
    VideoFile file(test::golden_file("data/videos/" + video.at("file").get<std::string>()),
                   deadline);
    body(file);
  }
}

/// The bare H.264 stream of an mp4 file: no container, no moments.
void write_bare_stream(VideoFile& file, std::filesystem::path const& path) {
  AVBSFContext* filter = nullptr;
  REQUIRE(av_bsf_alloc(av_bsf_get_by_name("h264_mp4toannexb"), &filter) >= 0);
  avcodec_parameters_copy(filter->par_in, file.stream().codecpar);
  REQUIRE(av_bsf_init(filter) >= 0);
  std::ofstream out(path, std::ios::binary);
  Packet buffer;
  for (std::int64_t p = 0; p < file.length(); ++p) {
    Packet const packet(av_packet_clone(file.packet(std::size_t(p), buffer)));
    REQUIRE(av_bsf_send_packet(filter, packet.get()) >= 0);
    while (av_bsf_receive_packet(filter, packet.get()) >= 0) {
      out.write(reinterpret_cast<char const*>(packet->data), packet->size);
      av_packet_unref(packet.get());
    }
  }
  av_bsf_free(&filter);
}

}  // namespace

TEST_CASE("any choice of frames decodes to the same pictures as all of them", "[golden]") {
  for_each_golden_video([](VideoFile& file) {
    if (file.shown() > 100) return;
    Pictures const all = decode(file, everything(file));
    for (std::int64_t const step : {2, 3, 7, 19}) {
      CAPTURE(step);
      auto const wanted = every(step, file);
      Pictures const some = decode(file, wanted);
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        CHECK((some[i] == all[std::size_t(wanted[i])]));
      }
    }
  });
}

TEST_CASE("any number of threads decodes the same pictures", "[golden]") {
  for_each_golden_video([](VideoFile& file) {
    for (std::int64_t const step : {1, 7, 40}) {
      CAPTURE(step);
      auto const wanted = every(step, file);
      Pictures const alone = decode(file, wanted);
      for (int const threads : {2, 5}) CHECK((decode(file, wanted, threads) == alone));
    }
  });
}

TEST_CASE("a long video with key frames is decoded by all threads", "[unit]") {
  test::TemporaryFolder const folder;
  Frames frames{600, 32, 48, {}};
  for (int i = 0; i < frames.count; ++i) {
    frames.rgb.insert(frames.rgb.end(), frames.frame_bytes(), std::uint8_t(40 + i / 4));
  }
  write_video(folder / "long.mp4", frames);  // a key frame every 250
  Deadline deadline(std::chrono::minutes(1));
  VideoFile file(folder / "long.mp4", deadline);
  std::atomic<int> first = 0, others = 0;
  auto const wanted = everything(file);
  auto const found = FrameDecoder(file)(wanted, 2, [&](int thread, std::size_t, AVFrame const&) {
    ++(thread == 0 ? first : others);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // so that none does it all
  });
  CHECK(std::ranges::count(found, true) == 600);
  CHECK(first + others == 600);
  CHECK(first >= 100);
  CHECK(others >= 100);
}

TEST_CASE("a thread that runs out of time ends the decoding", "[golden]") {
  Deadline deadline(std::chrono::minutes(1));
  VideoFile file(test::golden_file("data/videos/h264_bframes_opengop.mp4"), deadline);
  deadline = Deadline(std::chrono::milliseconds(0));
  CHECK_THROWS_AS(decode(file, everything(file), 3), InputError);
}

TEST_CASE("frames without moments are counted", "[golden]") {
  test::TemporaryFolder const folder;
  Deadline deadline(std::chrono::minutes(1));
  VideoFile file(test::golden_file("data/videos/h264_bframes_opengop.mp4"), deadline);
  write_bare_stream(file, folder / "bare.h264");
  VideoFile bare(folder / "bare.h264", deadline);
  CHECK_FALSE(bare.timed());
  REQUIRE(bare.shown() == file.shown());
  std::int64_t const last = file.shown() - 1;
  std::vector<std::int64_t> const wanted{0, last / 14, last / 12, last / 2, last};
  CHECK((decode(bare, wanted) == decode(file, wanted)));
}

TEST_CASE("a file too large to keep decodes to the same pictures", "[golden]") {
  Deadline deadline(std::chrono::minutes(1));
  auto const golden = test::golden_json("data/videos.json");
  for (auto const& video : golden.at("videos")) {
    CAPTURE(video.at("file"));
    auto const path = test::golden_file("data/videos/" + video.at("file").get<std::string>());
    VideoFile kept(path, deadline), reread(path, deadline, 100);
    std::int64_t const last = kept.shown() - 1;
    std::vector<std::int64_t> wanted{last / 20, last / 2, last / 2 + 1, last};
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    wanted.erase(std::remove_if(wanted.begin(), wanted.end(),
                                [&](std::int64_t index) { return index > last; }),
                 wanted.end());
    for (int const threads : {1, 3})
      CHECK((decode(kept, wanted) == decode(reread, wanted, threads)));
  }
}

TEST_CASE("decoding stops when its time is over", "[golden]") {
  Deadline deadline(std::chrono::minutes(1));
  VideoFile file(test::golden_file("data/videos/h264_bframes_opengop.mp4"), deadline);
  deadline = Deadline(std::chrono::milliseconds(0));
  CHECK_THROWS_AS(decode(file, {0}), InputError);
}

TEST_CASE("a frame lost to damage costs the way from its key frame, not the whole film", "[unit]") {
  test::TemporaryFolder const folder;
  test::write_film(folder / "film.mp4", {{.milliseconds = test::steadily(600, 10)}});
  std::string bytes = test::read_file(folder / "film.mp4");
  Deadline deadline(std::chrono::minutes(1));
  VideoFile sound(folder / "film.mp4", deadline);
  std::vector<std::int64_t> const wanted{30, 150, 305, 450, 590};
  Pictures const pictures = decode(sound, wanted);
  Packet buffer;
  AVPacket const* const packet = sound.packet(305, buffer);
  std::fill_n(bytes.begin() + packet->pos, packet->size, '\0');
  folder.write("damaged.mp4", bytes);

  auto const source = std::make_shared<test::WatchedSource const>(folder / "damaged.mp4");
  VideoFile damaged(source, deadline, 100);  // packets are read when they are decoded
  REQUIRE(damaged.random_access());
  std::int64_t const listed = source->bytes_read();
  Pictures const found = decode(damaged, wanted);
  CHECK(source->bytes_read() - listed < source->size() / 4);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    CHECK((found[i] == (wanted[i] == 305 ? std::vector<std::uint8_t>() : pictures[i])));
}

TEST_CASE("frames behind a damaged key frame are looked for from the one before", "[unit]") {
  test::TemporaryFolder const folder;
  test::write_film(folder / "film.mp4", {{.milliseconds = test::steadily(600, 10)}});
  std::string bytes = test::read_file(folder / "film.mp4");
  Deadline deadline(std::chrono::minutes(1));
  Packet buffer;
  VideoFile sound(folder / "film.mp4", deadline);
  REQUIRE(sound.facts(300).key);
  AVPacket const* const packet = sound.packet(300, buffer);
  std::fill_n(bytes.begin() + packet->pos, packet->size, '\0');
  VideoFile damaged(folder.write("damaged.mp4", bytes), deadline);
  for (auto const& picture : decode(damaged, {299, 302, 400})) CHECK_FALSE(picture.empty());
}
