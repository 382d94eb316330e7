#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <string>

#include <tests/media/make_video.hpp>
#include <tests/support/folder.hpp>
#include <vcflash/media/packets.hpp>
#include <vcflash/media/streams.hpp>

using namespace vcflash;
using namespace vcflash::media;

TEST_CASE("a film goes before a picture that goes with it, then the default stream", "[unit]") {
  test::TemporaryFolder const folder;
  Deadline deadline(std::chrono::minutes(1));
  test::FilmStream const cover{AV_CODEC_ID_MJPEG, {0}, 1, true, 64};
  test::FilmStream const film{.milliseconds = test::steadily(30, 10)};
  test::FilmStream chosen = film;
  chosen.is_default = true;
  chosen.side = 16;
  for (char const* kind : {"mp4", "mkv"}) {
    CAPTURE(kind);
    auto const path = folder / (std::string("film.") + kind);
    test::write_film(path, {cover, film});
    VideoFile const covered(path, deadline);
    CHECK(covered.stream().index == 1);
    CHECK(covered.length() == 30);
    test::write_film(path, {film, chosen});
    VideoFile const two(path, deadline);
    CHECK(two.stream().codecpar->width == 16);
    CHECK(two.length() == 30);
    test::write_film(path, {film, film});
    CHECK(VideoFile(path, deadline).stream().index == 0);
  }
}
