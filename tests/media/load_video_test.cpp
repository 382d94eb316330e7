#include <catch2/catch_test_macros.hpp>
#include <set>
#include <string>
#include <vector>

#include <tests/support/folder.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/media/load_video.hpp>
#include <vcflash/recipe/asking.hpp>
#include <vcflash/text/time_message.hpp>

using namespace vcflash;
using namespace vcflash::media;
using nlohmann::json;

namespace {

/// The frames that a released model is asked about, but for their upper bound.
FrameRequest released_request(json const& max_frames) {
  return {.sampling = as_released.sampling,
          .min_frames = as_released.min_frames,
          .max_frames = max_frames,
          .clip_length = as_released.frame_group};
}

}  // namespace

TEST_CASE("a released model is asked about the frames that its own code chooses", "[golden]") {
  // Where these differ between decoders, only how many there are is compared.
  std::set<std::string> const undefined{"editlist_cut.mp4", "vfr.mp4", "mpeg2_ts.ts"};
  auto const golden = test::golden_json("data/chat_calls.json");
  int compared = 0;
  for (auto const& row : golden.at("frames")) {
    CAPTURE(row.dump());
    auto request = released_request(row.at("max_num_frames"));
    if (!row.at("clip").is_null()) {
      request.start = row["clip"][0].get<double>();
      request.end = row["clip"][1].get<double>();
    }
    std::string const name = row.at("video");
    auto const path = test::golden_folder("data/videos") / name;
    if (row.contains("error")) {
      CHECK_THROWS_AS(load_video(path, request, 8), InputError);
      continue;
    }
    Video const video = load_video(path, request, 8);
    CHECK(row.at("n") == video.frames.count);
    CHECK(row.at("message") == text::time_message(video.duration, video.frames.count));
    if (undefined.contains(name)) continue;
    CHECK(row.at("indices") == json(video.indices));
    CHECK(row.at("fps") == video.fps);
    CHECK(row.at("duration") == video.duration);
    ++compared;
  }
  CHECK(compared > 0);
}

TEST_CASE("however long a video is, a released model's code chooses these frames", "[golden]") {
  auto const golden = test::golden_json("data/chat_calls.json");
  for (auto const& row : golden.at("indices")) {
    CAPTURE(row.dump());
    auto const plan = plan_frames(
        [&] {
          auto request = released_request(row.at("max_num_frames"));
          request.clip_rule = ClipRule::evaluation;
          return request;
        }(),
        row.at("frames"), row.at("fps"));
    auto const& indices = plan.indices;
    REQUIRE(row.at("n") == indices.size());
    auto const part = [&](json const& wanted, bool last) {
      auto const count = static_cast<std::ptrdiff_t>(wanted.size());
      auto const begin = last ? indices.end() - count : indices.begin();
      return wanted == json(std::vector(begin, begin + count));
    };
    CHECK(part(row.at("first"), false));
    CHECK(part(row.at("last"), true));
    std::int64_t sum = 0;
    for (auto const index : indices) sum += index;
    CHECK(row.at("sum") == sum);
  }
}

TEST_CASE("a GIF is measured as a GIF, whatever the case of its name", "[unit]") {
  test::TemporaryFolder const folder;
  auto const copy = folder / "FILM.GIF";
  std::filesystem::copy_file(test::golden_folder("data/videos") / "anim.gif", copy);
  CHECK(load_video(copy, released_request(8), 8).fps == 1.0);
}
