#include <vcflash/app/inspect/media_check.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/app/inspect/small_mixture.hpp"

using namespace vcflash;
using namespace vcflash::app;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("media are looked for, or opened, and what was opened is not opened again", "[unit]") {
  test::SmallMixture const small;
  auto const file = [&](char const* name, Modality modality, char const* type = "") {
    return MediaFile{(small.folder / name).string(), type, modality};
  };
  std::vector<MediaFile> const media{
      file("good.mp4", Modality::video),         file("good.mp4", Modality::video, "gif"),
      file("broken.mp4", Modality::video),       file("none.mp4", Modality::video),
      file("good.png", Modality::image),         file("broken.mp4", Modality::image),
      file("good.mp4", Modality::video, "fake"), file("good.mp4", Modality::video, "img")};
  auto const found = check_media(media, nullptr, 2);
  for (std::size_t i = 0; i < media.size(); ++i) {
    CHECK(found[i].missing == (i == 3));
    CHECK(found[i].problem.empty() == (i != 3));
  }
  for (int time = 0; time < 2; ++time) {
    MediaJournal journal(small.folder / "journal.jsonl");
    auto const opened = check_media(media, &journal, 2);
    CHECK(opened[0].problem.empty());
    CHECK(opened[0].length == 16);
    CHECK(opened[0].fps == 2);
    CHECK(opened[1].fps == 1);
    CHECK(opened[3].missing);
    CHECK(opened[4].problem.empty());
    for (std::size_t const bad : {2, 3, 5, 6, 7}) CHECK_FALSE(opened[bad].problem.empty());
    CHECK_THAT(opened[2].problem, ContainsSubstring("broken.mp4"));
    auto const lines = test::read_file(small.folder / "journal.jsonl");
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 7);
  }
}

TEST_CASE("a medium that changed is opened again, a torn journal is read as far as it goes",
          "[unit]") {
  test::SmallMixture const small;
  std::vector<MediaFile> const media{{(small.folder / "broken.mp4").string(), "", Modality::video}};
  auto const path = small.folder / "journal.jsonl";
  {
    MediaJournal journal(path);
    CHECK_FALSE(check_media(media, &journal, 1)[0].problem.empty());
  }
  small.folder.write("broken.mp4", test::read_file(small.folder / "good.mp4"));
  small.folder.write("journal.jsonl", test::read_file(path) + "{\"path\": 3}\n{\"pa");
  MediaJournal journal(path);
  CHECK(journal.find(media[0]) == nullptr);
  CHECK(check_media(media, &journal, 1)[0].problem.empty());
}

TEST_CASE("a film whose frames tell another rate than it does is remarked on", "[unit]") {
  media::VideoInfo info{};
  info.length = info.shown = 90;
  info.fps = 1000;
  info.duration = 0.09;
  info.moments_fps = 22.9;
  CHECK_THAT(app::detail::remark_on_rate("s.webm", info),
             ContainsSubstring("s.webm: claims 1000 frames a second and is taken for 0.09 s; its "
                               "frames are shown at 22.9 a second, for 3.93 s"));
  info.moments_fps = 900;
  CHECK(app::detail::remark_on_rate("s.webm", info).empty());
  info.moments_fps = 0;
  CHECK(app::detail::remark_on_rate("s.webm", info).empty());
}

TEST_CASE("what may be read a moment later is not remembered as broken", "[unit]") {
  test::TemporaryFolder const folder;
  std::filesystem::create_symlink("loop.mp4", folder / "loop.mp4");
  auto const facts =
      app::detail::open_medium({(folder / "loop.mp4").string(), "", Modality::video});
  CHECK_THAT(facts.problem, ContainsSubstring("cannot be read"));
  CHECK(facts.may_pass);
}
