#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <tests/media/make_video.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/media/decode.hpp>
#include <vcflash/media/packets.hpp>
#include <vcflash/media/source_reader.hpp>

using namespace vcflash;
using namespace vcflash::media;

TEST_CASE("an error while reading is never taken for the end of a film", "[golden]") {
  auto const golden = test::golden_json("data/videos.json");
  for (auto const& video : golden.at("videos")) {
    auto const path = test::golden_file("data/videos/" + video.at("file").get<std::string>());
    Deadline deadline(std::chrono::minutes(1));
    auto const whole = std::make_shared<test::WatchedSource const>(path);
    CHECK(VideoFile(whole, deadline).length() == video.at("packets"));
    for (int const tenth : {0, 3, 5, 9}) {
      CAPTURE(path, tenth);
      auto const failing =
          std::make_shared<test::WatchedSource const>(path, whole->size() * tenth / 10);
      CHECK_THROWS_AS(VideoFile(failing, deadline), ReadError);
    }
  }
}

TEST_CASE("an error while a packet is read again is none of its damage", "[unit]") {
  test::TemporaryFolder const folder;
  test::write_film(folder / "film.mp4", {{.milliseconds = test::steadily(60, 10)}});
  // reads while the film is listed, and fails afterwards
  struct Failing final : ByteSource {
    StoredFile file;
    bool fails = false;
    explicit Failing(std::filesystem::path const& path) : file(path) {}
    std::string const& name() const override { return file.name(); }
    std::int64_t size() const override { return file.size(); }
    std::size_t read_at(std::int64_t at, std::span<std::uint8_t> bytes) const override {
      if (fails) fail<ReadError>(name(), ": cannot be read: Stale file handle");
      return file.read_at(at, bytes);
    }
  };
  auto const source = std::make_shared<Failing>(folder / "film.mp4");
  Deadline deadline(std::chrono::minutes(1));
  VideoFile film(source, deadline, 100);
  source->fails = true;
  std::vector<std::int64_t> const wanted{3, 50};
  CHECK_THROWS_AS(FrameDecoder(film)(wanted, 1, [](int, std::size_t, AVFrame const&) {}),
                  ReadError);
}

TEST_CASE("FFmpeg is given a source's bytes, where it asks for them", "[unit]") {
  test::TemporaryFolder const folder;
  Deadline deadline(std::chrono::minutes(1));
  auto const path = folder.write("bytes", "0123456789");
  SourceReader const reader(std::make_shared<StoredFile const>(path), deadline);
  AVIOContext* const in = reader.context();
  CHECK(avio_size(in) == 10);
  CHECK(avio_seek(in, 4, SEEK_SET) == 4);
  CHECK(avio_r8(in) == '4');
  CHECK(avio_seek(in, 2, SEEK_CUR) == 7);
  CHECK(avio_r8(in) == '7');
  CHECK(avio_seek(in, -1, SEEK_END) < 10);
  CHECK_NOTHROW(reader.rethrow());
  Deadline over(std::chrono::milliseconds(0));
  SourceReader const late(std::make_shared<StoredFile const>(path), over);
  std::uint8_t byte = 0;
  CHECK(avio_read(late.context(), &byte, 1) == AVERROR_EXIT);
}
