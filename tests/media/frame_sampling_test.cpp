#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <tests/media/time_message.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/media/frame_sampling.hpp>

using namespace vcflash;
using namespace vcflash::media;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

json const& golden() {
  static json const data = test::golden_json("data/frame_sampling.json");
  return data;
}

/// `25`, `24000/1001`
double ratio(std::string const& text) {
  auto const slash = text.find('/');
  return slash == text.npos ? std::stod(text)
                            : std::stod(text.substr(0, slash)) / std::stod(text.substr(slash + 1));
}

/// Fills in how frames are chosen; false for a name that means nothing.
bool set_sampling(FrameRequest& request, std::string const& name) {
  if (name == "middle") return request.sampling = FrameSampling::middle, true;
  if (name == "dynamic_fps1") return request.sampling = FrameSampling::dynamic_fps1, true;
  if (name == "rand") return request.sampling = FrameSampling::rand, true;
  if (!name.starts_with("fps") || name.find_first_not_of("0123456789.", 3) != name.npos)
    return false;
  request.sampling = FrameSampling::fps;
  request.rate = std::atof(name.c_str() + 3);
  return true;
}

FrameRequest request_of(json const& in) {
  FrameRequest request;
  request.min_frames = in.value("min_num_frames", std::int64_t{1});
  request.max_frames = in.value("max_num_frames", in.value("num_frames", std::int64_t{1}));
  request.clip_length = in.at("local_num_frames");
  if (in.contains("clip") && !in["clip"].is_null()) {
    request.start = in["clip"][0];
    request.end = in["clip"][1];
  }
  return request;
}

/// Whether upstream's outcome, indices or an error, is ours.
template <class Choose>
void compare(json const& row, Choose&& choose) {
  CAPTURE(row.dump());
  std::optional<json> chosen;
  std::string error;
  try {
    chosen = choose();
  } catch (InputError const& refused) {
    error = refused.what();
  }
  CAPTURE(error);
  CHECK(chosen.has_value() != row.contains("error"));
  if (!chosen || row.contains("error")) return;
  for (auto const& [name, value] : chosen->items()) {
    CAPTURE(name);
    CHECK(row.at(name) == value);
  }
}

}  // namespace

TEST_CASE("frame indices are upstream's for every golden row", "[golden]") {
  int rows = 0;
  for (auto const& row : golden().at("rows")) {
    if (row.at("kind") != "get_frame_indices") continue;
    ++rows;
    compare(row, [&] {
      auto const& in = row.at("in");
      FrameRequest request = request_of(in);
      if (!set_sampling(request, in.at("sample"))) fail<InputError>("no such sampling");
      if (!in.at("fix_start").is_null()) request.fix_start = in["fix_start"];
      auto const indices =
          frame_indices(request, in.at("num_frames"), in.at("vlen"), in.at("input_fps"));
      return json{{"indices", indices},
                  {"local_ok", std::int64_t(indices.size()) % request.clip_length == 0}};
    });
  }
  CHECK(rows > 0);
}

TEST_CASE("a clip is cut by frame numbers as upstream's decord reader cuts it", "[golden]") {
  int rows = 0;
  for (auto const& row : golden().at("rows")) {
    if (row.at("kind") != "decord") continue;
    ++rows;
    compare(row, [&] {
      auto const& in = row.at("in");
      FrameRequest request = request_of(in);
      request.clip_rule = ClipRule::evaluation;
      set_sampling(request, in.at("sample"));
      double const fps = in.at("avg_fps");
      auto const plan = plan_frames(request, in.at("video_len"), fps);
      return json{{"indices", plan.indices},
                  {"fps", fps},
                  {"duration", plan.duration},
                  {"n", plan.indices.size()}};
    });
  }
  CHECK(rows > 0);
}

TEST_CASE("training samples get as many frames, at the same seconds, as upstream's", "[golden]") {
  int rows = 0;
  for (auto const& row : golden().at("rows")) {
    if (row.at("kind") != "process_video" || row.at("in").at("reader") != "decord") continue;
    ++rows;
    auto const& in = row.at("in");
    FrameRequest request;
    request.min_frames = in.at("frames_lowbound");
    request.max_frames = in.at("frames_upbound");
    request.clip_length = in.at("local_num_frames");
    set_sampling(request, in.at("sample_type"));
    if (!in.at("start").is_null()) request.start = test::golden_number(in["start"]);
    if (!in.at("end").is_null()) request.end = test::golden_number(in["end"]);
    double const fps = in.at("fps");
    bool const clip = request.start && request.end;
    CHECK(row.contains("lazy_num_frames") == clip);
    compare(row, [&] {
      auto const plan = plan_frames(request, in.at("video_len"), fps);
      auto const message = test::time_message(in.at("time_msg"), plan, fps);
      return json{{"n", plan.indices.size()}, {"msg", message}};
    });
    if (clip) CHECK(row.at("lazy_num_frames") == clip_frame_count(request));
  }
  CHECK(rows > 0);
}

TEST_CASE("a training clip is looked for at upstream's moments", "[golden]") {
  for (auto const& row : golden().at("meta").at("lazy_index")) {
    CAPTURE(row.dump());
    auto const& in = row.at("in");
    FrameRequest request;
    request.max_frames = in.at("num_frames");
    request.start = in.at("start");
    request.end = in.at("end");
    double const fps = ratio(in.at("rate"));
    std::string const unit = in.at("time_base");
    auto const slash = unit.find('/');
    auto const plan = plan_clip(request, fps);
    auto const moments = clip_moments(request, plan, fps, std::stoll(unit.substr(0, slash)),
                                      std::stoll(unit.substr(slash + 1)));
    CHECK(json(plan.indices) == row.at("frame_index"));
    CHECK(moments.start == row.at("start_pts"));
    CHECK(moments.end == row.at("end_pts"));
    REQUIRE(moments.targets.size() == row.at("target_pts").size());
    for (std::size_t i = 0; i < moments.targets.size(); ++i) {
      auto const& target = row.at("target_pts")[i];
      double const exact = target.is_string() ? ratio(target) : target.get<double>();
      CHECK(double(moments.targets[i]) == std::ceil(exact));
    }
  }
}

TEST_CASE("random frames come from upstream's intervals", "[golden]") {
  int rows = 0;
  for (auto const& row : golden().at("rows")) {
    if (row.at("kind") != "rand_ranges") continue;
    CAPTURE(row.dump());
    ++rows;
    auto const& in = row.at("in");
    FrameRequest request = request_of(in);
    request.sampling = FrameSampling::rand;
    auto const draw_all = [&](auto draw) {
      return frame_indices(request, in.at("num_frames"), in.at("vlen"), 1.0, draw);
    };
    auto const least = draw_all([](std::int64_t) { return 0; });
    auto const most = draw_all([](std::int64_t choices) { return choices - 1; });
    REQUIRE(least.size() == row.at("n").get<std::size_t>());
    json ranges;
    for (std::size_t i = 0; i < least.size(); ++i) ranges.push_back({least[i], most[i]});
    // where an interval has one frame only, upstream draws from the whole video: no ranges
    if (!row.at("ranges").empty()) CHECK(ranges == row["ranges"]);
  }
  CHECK(rows > 0);
}

TEST_CASE("with fewer frames than wanted the last is repeated", "[unit]") {
  FrameRequest request;
  CHECK(frame_indices(request, 5, 3, 10.0) == std::vector<std::int64_t>{0, 1, 2, 2, 2});
}

TEST_CASE("random frames of a video as short as that are drawn from all of it", "[unit]") {
  FrameRequest request;
  request.sampling = FrameSampling::rand;
  auto const last = [](std::int64_t choices) { return choices - 1; };
  CHECK(frame_indices(request, 5, 3, 10.0, last) == std::vector<std::int64_t>{0, 1, 2, 2, 2});
}

TEST_CASE("a frame that cannot be chosen is refused in one sentence", "[unit]") {
  FrameRequest request;
  request.max_frames = 4;
  CHECK_THROWS_WITH(frame_indices(request, 4, 0, 10.0), ContainsSubstring("of 0 frames"));
  CHECK_THROWS_WITH(plan_frames(request, 10, 0.0), ContainsSubstring("0 frames a second"));
  CHECK_THROWS_WITH(plan_frames(request, 10, std::nan("")), ContainsSubstring("a second"));
  request.start = 0;
  for (double const second : {1e300, HUGE_VAL, std::nan("")}) {
    request.end = second;
    for (auto const rule : {ClipRule::training, ClipRule::evaluation}) {
      request.clip_rule = rule;
      CHECK_THROWS_WITH(plan_frames(request, 10, 10.0), ContainsSubstring("cannot be meant"));
    }
  }
  request.clip_length = 0;
  CHECK_THROWS_WITH(frame_indices(request, 4, 10, 10.0), ContainsSubstring("a clip of 0 frames"));
}

TEST_CASE("frames that do not fill whole clips are refused when training", "[unit]") {
  FrameRequest request{FrameSampling::dynamic_fps1, 1, 6, 4};
  CHECK_THROWS_WITH(plan_frames(request, 1000, 10.0),
                    ContainsSubstring("multiple of the clip length 4"));
  request.clip_rule = ClipRule::evaluation;
  CHECK(plan_frames(request, 1000, 10.0).indices.size() == 6);
}
