#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <optional>
#include <string>
#include <vector>

#include <tests/media/measure.hpp>
#include <tests/media/time_message.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/media/frame_folder.hpp>

using namespace vcflash;
using namespace vcflash::media;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

FrameSampling sampling_of(json const& name) {
  return name == "middle" ? FrameSampling::middle : FrameSampling::dynamic_fps1;
}

}  // namespace

TEST_CASE("frames of a folder are chosen as upstream chooses them", "[golden]") {
  auto const golden = test::golden_json("data/frame_sampling.json");
  int rows = 0;
  for (auto const& row : golden.at("rows")) {
    if (row.at("kind") != "img") continue;
    CAPTURE(row.dump());
    ++rows;
    auto const& in = row.at("in");
    FrameRequest request{sampling_of(in.at("sample")), in.at("min_num_frames"),
                         in.at("max_num_frames"), in.at("local_num_frames")};
    if (!in.at("clip").is_null()) {
      request.start = in["clip"][0];
      request.end = in["clip"][1];
    }
    double const fps = folder_fps(in.at("video_path"));
    std::optional<FramePlan> plan;
    try {
      plan = plan_folder(request, in.at("n_files"), fps);
    } catch (InputError const&) {
    }
    REQUIRE(plan.has_value() != row.contains("error"));
    if (!plan) continue;
    CHECK(json(plan->indices) == row.at("indices"));
    CHECK(row.at("fps") == fps);
    CHECK(row.at("duration") == plan->duration);
    CHECK(row.at("n") == plan->indices.size());
  }
  CHECK(rows > 0);
}

TEST_CASE("training samples of a folder get as many frames as upstream's", "[golden]") {
  auto const golden = test::golden_json("data/frame_sampling.json");
  int rows = 0;
  for (auto const& row : golden.at("rows")) {
    if (row.at("kind") != "process_video" || row.at("in").at("reader") != "img") continue;
    CAPTURE(row.dump());
    ++rows;
    auto const& in = row.at("in");
    FrameRequest request{sampling_of(in.at("sample_type")), in.at("frames_lowbound"),
                         in.at("frames_upbound"), in.at("local_num_frames")};
    if (!in.at("start").is_null()) request.start = test::golden_number(in["start"]);
    if (!in.at("end").is_null()) request.end = test::golden_number(in["end"]);
    std::optional<FramePlan> plan;
    try {
      plan = plan_folder(request, in.at("video_len"), in.at("fps"));
      check_whole_clips(request, std::int64_t(plan->indices.size()));
    } catch (InputError const&) {
      plan.reset();
    }
    REQUIRE(plan.has_value() != row.contains("error"));
    if (!plan) continue;
    CHECK(row.at("n") == plan->indices.size());
    CHECK(row.at("msg") == test::time_message(in.at("time_msg"), *plan, in.at("fps")));
  }
  CHECK(rows > 0);
}

TEST_CASE("folders of frames are read as upstream reads them", "[golden]") {
  auto const golden = test::golden_json("data/videos.json");
  for (auto const& row : golden.at("meta").at("frame_dirs")) {
    CAPTURE(row.dump());
    auto const name = "data/videos/" + row.at("dir").get<std::string>();
    auto const folder = test::golden_folder(name);
    for (auto const& entry : std::filesystem::directory_iterator(folder)) {
      test::golden_file(name + "/" + entry.path().filename().string());
    }
    FrameRequest request{sampling_of(row.at("sample")), row.at("min"), row.at("max"),
                         row.at("local_num_frames")};
    if (!row.at("clip").is_null()) {
      request.start = row["clip"][0];
      request.end = row["clip"][1];
    }
    if (row.contains("error")) {
      CHECK_THROWS_AS(read_frame_folder(folder, request), InputError);
      continue;
    }
    Video const video = read_frame_folder(folder, request);
    Frames const& frames = video.frames;
    CHECK(json(video.indices) == row.at("indices"));
    CHECK(video.fps == row.at("fps"));
    CHECK(video.duration == row.at("duration"));
    CHECK(json{frames.count, frames.height, frames.width, 3} == row.at("shape"));
    for (int i = 0; i < frames.count; ++i) {
      auto const pixels = frames.frame(i);
      CHECK(row.at("strip_codes")[std::size_t(i)] ==
            test::strip_code(pixels, frames.height, frames.width));
      std::vector<double> mean(3);
      for (std::size_t b = 0; b < pixels.size(); ++b) mean[b % 3] += pixels[b];
      for (std::size_t c = 0; c < 3; ++c) {
        double const recorded = row.at("means")[std::size_t(i)][c];
        CHECK(std::abs(mean[c] / double(pixels.size() / 3) - recorded) <= 1.5);
      }
    }
  }
}

TEST_CASE("frames are ordered by the numbers that end their names", "[unit]") {
  test::TemporaryFolder const folder;
  for (auto const* name : {"a_10.png", "a_9.png", "b_1.jpg", "cover.jpeg"}) folder.write(name, "");
  std::vector<std::string> names;
  for (auto const& path : list_frames(folder.path())) names.push_back(path.filename().string());
  CHECK(names == std::vector<std::string>{"cover.jpeg", "b_1.jpg", "a_9.png", "a_10.png"});
}

TEST_CASE("a folder without the frames is named", "[unit]") {
  test::TemporaryFolder const folder;
  CHECK_THROWS_WITH(read_frame_folder(folder / "none", {}),
                    ContainsSubstring("none: not a folder"));
  CHECK_THROWS_WITH(read_frame_folder(folder.path(), {}), ContainsSubstring("of 0 frames"));
  folder.write("notes.txt", "");
  CHECK_THROWS_WITH(list_frames(folder.path()), ContainsSubstring("notes.txt is no frame"));
}

TEST_CASE("frames of a folder are resized to a square", "[unit]") {
  test::TemporaryFolder const folder;
  Image const image{6, 10, std::vector<std::uint8_t>(180, 77)};
  auto const png = encode_png(image);
  for (int i = 0; i < 3; ++i) {
    folder.write("f_" + std::to_string(i) + ".png",
                 {reinterpret_cast<char const*>(png.data()), png.size()});
  }
  FrameRequest request;
  request.max_frames = 2;
  Video const video = read_frame_folder(folder.path(), request, 4);
  CHECK(video.frames.height == 4);
  CHECK((video.frames.rgb == std::vector<std::uint8_t>(2 * 48, 77)));
}

TEST_CASE("frames named by numbers alone are in the order of the numbers", "[unit]") {
  test::TemporaryFolder const folder;
  for (auto const* name : {"1.png", "10.PNG", "2.Jpg", ".DS_Store", "._1.png", "Thumbs.db"})
    folder.write(name, "");
  std::vector<std::string> names;
  for (auto const& path : list_frames(folder.path())) names.push_back(path.filename().string());
  CHECK(names == std::vector<std::string>{"1.png", "2.Jpg", "10.PNG"});
}

TEST_CASE("a folder of frames that takes too long is given up", "[unit]") {
  test::TemporaryFolder const folder;
  auto const png = encode_png({6, 10, std::vector<std::uint8_t>(180, 77)});
  folder.write("1.png", {reinterpret_cast<char const*>(png.data()), png.size()});
  CHECK_THROWS_AS(read_frame_folder(folder.path(), {}, 4, std::chrono::milliseconds(0)), TooSlow);
  CHECK(read_frame_folder(folder.path(), {}, 4).frames.count == 1);
}
