#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/base/vocabulary.hpp>

namespace vcflash::media {

/// Which part of a video a clip with a start and an end names. Upstream's two readers differ.
enum class ClipRule {
  training,    ///< `process_video`: seconds from the clip's start, then the next decoded frames
  evaluation,  ///< `read_frames_decord`: frame numbers within the whole video
};

/// How a video's length and rate are taken. Upstream has a reader for each.
enum class VideoReader {
  decord,  ///< packets and average rate; for `.avi`, upstream's decord reader hands over to `av`
  av,      ///< shown frames, over the stream's duration less its start
  gif,     ///< shown frames, one a second whatever the file says
};

/// Which frames of a video are wanted.
struct FrameRequest {
  FrameSampling sampling = FrameSampling::middle;
  std::int64_t min_frames = 1;
  std::int64_t max_frames = 1;           ///< 0 or less: no upper bound (dynamic_fps1, fps)
  std::int64_t clip_length = 4;          ///< frames an encoder sees together (local_num_frames)
  std::optional<double> start{}, end{};  ///< seconds; a clip has both
  ClipRule clip_rule = ClipRule::training;
  VideoReader reader = VideoReader::decord;
  double rate = 0;                          ///< frames a second, for FrameSampling::fps
  std::optional<std::int64_t> fix_start{};  ///< `middle`: this many frames into each interval
};

namespace detail {

/// Python's `//` on floats.
inline double floor_divide(double a, double b) {
  double const remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder != 0 && (b < 0) != (remainder < 0)) quotient -= 1;
  double floored = std::floor(quotient);
  if (quotient - floored > 0.5) floored += 1;
  return floored;
}

inline std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

/// \return the first frame of each of `parts` equal intervals of [0, length), and `length`
inline std::vector<std::int64_t> interval_starts(std::int64_t length, std::int64_t parts) {
  std::vector<std::int64_t> starts;
  double const step = double(length) / double(parts);
  for (std::int64_t i = 0; i < parts; ++i) starts.push_back(std::int64_t(double(i) * step));
  starts.push_back(length);
  return starts;
}

/// How many frames dynamic_fps1 takes of `seconds`: one a second in whole clips, at least one clip.
inline std::int64_t frames_at_one_a_second(double seconds, std::int64_t clip_length) {
  auto const clips = std::int64_t(floor_divide(seconds, double(clip_length)));
  return clips == 0 ? clip_length : clips * clip_length;
}

inline void check(FrameRequest const& request) {
  if (request.clip_length <= 0) {
    fail<InputError>("a clip of ", request.clip_length, " frames is no clip; it has at least 1");
  }
  constexpr double most_seconds = 1e9;  // 30 years; a whole number of frames or ticks at any rate
  for (auto const& second : {request.start, request.end}) {
    if (second && !(std::abs(*second) <= most_seconds)) {
      fail<InputError>("second ", *second, " of a video cannot be meant");
    }
  }
}

inline std::vector<std::int64_t> at_a_rate(FrameRequest const& request, std::int64_t length,
                                           double fps) {
  if (!(request.rate > 0)) {
    fail<InputError>("sampling by rate needs frames a second above 0, not ", request.rate);
  }
  double const gap = 1 / request.rate;
  double const first = 0 + gap / 2;
  double const stop = double(length) / fps + gap / 2;
  double const step = (first + gap) - first;  // as NumPy's arange steps
  auto const steps = std::int64_t(std::ceil((stop - first) / gap));
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < steps; ++i) {
    double const second = i == 1 ? first + gap : first + double(i) * step;
    auto const index = std::int64_t(std::nearbyint(second * fps));
    if (index < length) indices.push_back(index);
    if (request.max_frames > 0 && std::int64_t(indices.size()) == request.max_frames) break;
  }
  return indices;
}

}  // namespace detail

/// The intervals that `wanted` frames of a video of `length` frames come from, and how many frames
/// there must be in the end (the last is repeated).
struct FrameIntervals {
  std::vector<std::int64_t> starts;  ///< of each interval, and the end of the last
  std::int64_t wanted;
};

/// The intervals of `middle`, `dynamic_fps1` and `rand` sampling (upstream's get_frame_indices).
/// \param wanted frames to take by `middle` and `rand`  \param fps of the video
/// \throws InputError where upstream cannot choose either: no frames at all
inline FrameIntervals frame_intervals(FrameRequest const& request, std::int64_t wanted,
                                      std::int64_t length, double fps) {
  detail::check(request);
  std::int64_t least = request.min_frames;
  if (least > length) {
    least = request.sampling == FrameSampling::dynamic_fps1
                ? detail::floor_divide(length, request.clip_length) * request.clip_length
                : length;
  }
  if (request.sampling == FrameSampling::dynamic_fps1) {
    if (!(fps > 0)) fail<InputError>("a video of ", fps, " frames a second has no seconds");
    wanted = detail::frames_at_one_a_second(double(length) / fps, request.clip_length);
    if (request.max_frames > 0) wanted = std::min(wanted, request.max_frames);
  }
  wanted = std::max(wanted, least);
  std::int64_t const parts = std::min(wanted, length);
  if (parts < -1 || (parts <= 0 && wanted > 0)) {
    fail<InputError>("of ", length, " frames none can be taken");
  }
  if (parts <= 0) return {{}, wanted};
  return {detail::interval_starts(length, parts), wanted};
}

/// Which frames of a video of `length` frames a request takes: upstream's `get_frame_indices`.
/// \param wanted how many frames `middle` takes; upstream's readers pass `max_frames`
/// \return indices that ascend, in [0, length); with fewer frames than wanted the last repeats
/// \throws InputError where upstream raises: no frames at all, or no rate
inline std::vector<std::int64_t> frame_indices(FrameRequest const& request, std::int64_t wanted,
                                               std::int64_t length, double fps) {
  if (request.sampling == FrameSampling::fps) return detail::at_a_rate(request, length, fps);
  if (request.sampling == FrameSampling::rand) {
    fail<InputError>("random frames need a source of randomness: give frame_indices one");
  }
  auto const intervals = frame_intervals(request, wanted, length, fps);
  std::vector<std::int64_t> indices;
  for (std::size_t i = 0; i + 1 < intervals.starts.size(); ++i) {
    std::int64_t const start = intervals.starts[i], last = intervals.starts[i + 1] - 1;
    indices.push_back(request.fix_start ? start + *request.fix_start
                                        : detail::floor_divide(start + last, std::int64_t{2}));
  }
  if (std::int64_t(indices.size()) < intervals.wanted) {
    indices.resize(std::size_t(intervals.wanted), indices.back());
  }
  return indices;
}

/// As above, and for `FrameSampling::rand` one frame of each interval but its last, drawn by
/// `draw(n)` in [0, n). If an interval has one frame only, all are drawn from the whole video.
template <class Draw>
std::vector<std::int64_t> frame_indices(FrameRequest const& request, std::int64_t wanted,
                                        std::int64_t length, double fps, Draw&& draw) {
  if (request.sampling != FrameSampling::rand) return frame_indices(request, wanted, length, fps);
  auto const intervals = frame_intervals(request, wanted, length, fps);
  std::vector<std::int64_t> indices;
  bool drawn = true;
  for (std::size_t i = 0; drawn && i + 1 < intervals.starts.size(); ++i) {
    std::int64_t const choices = intervals.starts[i + 1] - 1 - intervals.starts[i];
    drawn = choices > 0;
    if (drawn) indices.push_back(intervals.starts[i] + std::int64_t(draw(choices)));
  }
  if (!drawn) {
    indices.resize(std::size_t(length));
    std::iota(indices.begin(), indices.end(), std::int64_t{0});
    for (std::int64_t left = length; left > 1; --left) {
      std::swap(indices[std::size_t(left - 1)], indices[std::size_t(draw(left))]);
    }
    indices.resize(intervals.starts.size() - 1);
    std::sort(indices.begin(), indices.end());
  }
  if (std::int64_t(indices.size()) < intervals.wanted) {
    indices.resize(std::size_t(intervals.wanted), indices.back());
  }
  return indices;
}

/// What a reader returns besides pixels.
struct FramePlan {
  std::vector<std::int64_t> indices;  ///< frames of the whole video; `by_seconds`: of the clip
  double duration;                    ///< seconds, of the clip if there is one
  bool by_seconds = false;            ///< frames are found by time (`ClipRule::training`)
};

/// A clip by `ClipRule::evaluation`: upstream's `read_frames_decord`.
/// \return indices in the whole video; \throws InputError for an empty window
inline FramePlan plan_window(FrameRequest const& request, std::int64_t length, double fps) {
  detail::check(request);
  if (!(fps > 0)) fail<InputError>("a video of ", fps, " frames a second has no seconds");
  double duration = double(length) / fps;
  std::int64_t window = length, first = 0;
  if (request.start && request.end) {
    double const start = std::max(0.0, *request.start);
    double const end = std::min(duration - 0.1, *request.end);
    duration = end - start;
    window = std::int64_t(duration * fps);
    first = std::int64_t(start * fps);
  }
  auto indices = frame_indices(request, request.max_frames, window, fps);
  for (auto& index : indices) {
    index += first;
    if (index < -length || index >= length) {
      fail<InputError>("frame ", index, " was asked for; the video has ", length);
    }
  }
  return {std::move(indices), duration};
}

/// How many frames upstream's lazy reader is asked for: the request's bounds by the clip's seconds.
/// \return 0 or less for a clip that ends before it begins
inline std::int64_t clip_frame_count(FrameRequest const& request) {
  if (request.sampling != FrameSampling::dynamic_fps1) return request.max_frames;
  double const duration = *request.end - *request.start, length = double(request.clip_length);
  auto const least = double(request.min_frames) > duration
                         ? std::int64_t(detail::floor_divide(duration, length) * length)
                         : request.min_frames;
  std::int64_t const count = detail::frames_at_one_a_second(duration, request.clip_length);
  return std::max(std::min(count, request.max_frames), least);
}

/// A clip by `ClipRule::training`: upstream's lazy reader, which knows the rate and not the length.
/// \return indices counted from the clip's start, at `fps`
inline FramePlan plan_clip(FrameRequest const& request, double fps) {
  detail::check(request);
  if (!(fps > 0)) fail<InputError>("a video of ", fps, " frames a second has no seconds");
  FramePlan plan{{}, *request.end - *request.start, true};
  std::int64_t const count = clip_frame_count(request);
  double const last = double(std::int64_t(plan.duration)) * fps - 1;
  double const part = last / double(count);
  for (std::int64_t i = 0; i < count; ++i) {
    plan.indices.push_back(std::int64_t(part / 2 + std::nearbyint(part * double(i))));
  }
  return plan;
}

/// The moments at which upstream's lazy reader looks for a clip's frames, in ticks of the stream's
/// time base `num`/`den` seconds. The seconds of `targets` count from the *video's* start: upstream
/// takes those of the clip and does not add where it begins.
struct ClipMoments {
  std::int64_t start, end;            ///< of the clip
  std::vector<std::int64_t> targets;  ///< one a frame: no earlier than this
};

inline ClipMoments clip_moments(FrameRequest const& request, FramePlan const& plan, double fps,
                                std::int64_t num, std::int64_t den) {
  double const unit = double(num) / double(den);
  ClipMoments moments{std::int64_t(*request.start / unit), std::int64_t(*request.end / unit), {}};
  for (std::int64_t const index : plan.indices) {
    auto const second = std::int64_t(double(index) / fps);
    moments.targets.push_back(-detail::floor_divide(-second * den, num));
  }
  return moments;
}

/// Whether so many frames fill whole clips, where they must: in a training sample by dynamic_fps1.
constexpr bool fills_whole_clips(FrameRequest const& request, std::int64_t frames) {
  return request.clip_rule != ClipRule::training ||
         request.sampling != FrameSampling::dynamic_fps1 || frames % request.clip_length == 0;
}

/// \throws InputError for a training sample by dynamic_fps1 whose frames do not fill whole clips
inline void check_whole_clips(FrameRequest const& request, std::int64_t frames) {
  if (!fills_whole_clips(request, frames)) {
    fail<InputError>(frames, " frames were chosen, which is not a multiple of the clip length ",
                     request.clip_length, "; change the bounds ", request.min_frames, " and ",
                     request.max_frames);
  }
}

/// Chooses the frames of a request as upstream's readers do.
/// \param length frames of the video  \param fps its average rate
/// \throws InputError if the choice is impossible or, for dynamic_fps1, not in whole clips
inline FramePlan plan_frames(FrameRequest const& request, std::int64_t length, double fps) {
  bool const by_seconds = request.start && request.end && request.clip_rule == ClipRule::training;
  FramePlan plan = by_seconds ? plan_clip(request, fps) : plan_window(request, length, fps);
  check_whole_clips(request, std::int64_t(plan.indices.size()));
  return plan;
}

}  // namespace vcflash::media
