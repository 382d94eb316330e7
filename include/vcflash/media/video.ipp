#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/media/convert.hpp>
#include <vcflash/media/decode.hpp>
#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/packets.hpp>
#include <vcflash/media/resize.hpp>
#include <vcflash/media/video.hpp>

namespace vcflash::media {

namespace detail {

inline VideoInfo describe(VideoFile const& file) {
  AVCodecParameters const& coded = *file.stream().codecpar;
  if (coded.width <= 0 || coded.height <= 0 ||
      std::int64_t(coded.width) * coded.height > most_pixels) {
    fail<InputError>(file.name(), ": frames of ", coded.width, " x ", coded.height,
                     " cannot be; the file is damaged");
  }
  int const rotation = rotation_of(file.stream());
  auto const [height, width] = Turner(rotation).turned(coded.height, coded.width);
  AVRational const moments = file.rate_of_moments();
  return {.length = file.length(),
          .shown = file.shown(),
          .fps = file.fps(),
          .duration = double(file.length()) / file.fps(),
          .height = height,
          .width = width,
          .rotation = rotation,
          .moments_fps = moments.num > 0 ? av_q2d(moments) : 0};
}

/// A video as one of upstream's readers measures it.
struct Measure {
  std::int64_t length;
  double fps, duration;
};

inline Measure measure(VideoFile const& file, VideoReader reader) {
  if (reader == VideoReader::gif) return {file.shown(), 1.0, double(file.shown())};
  bool const avi = std::filesystem::path(file.name()).extension() == ".avi";
  if (reader == VideoReader::decord && !avi) {
    return {file.length(), file.fps(), double(file.length()) / file.fps()};
  }
  AVStream const& stream = file.stream();
  if (stream.duration == AV_NOPTS_VALUE || stream.start_time == AV_NOPTS_VALUE) {
    fail<InputError>("the container does not say how long its video is");
  }
  // upstream takes a late start off the duration, though that does not include it
  double const duration = double((stream.duration - stream.start_time) * stream.time_base.num) /
                          double(stream.time_base.den);
  return {file.shown(), double(file.shown()) / duration, duration};
}

/// The frames that upstream's lazy reader gives for a clip: for each moment it looks for, the first
/// frame not yet taken that is shown neither before it nor before the clip.
/// \return fewer frames than wanted if the video ends before
inline std::vector<std::int64_t> frames_of_clip(VideoFile const& file, FrameRequest const& request,
                                                FramePlan const& plan) {
  AVRational const unit = file.timed() ? file.stream().time_base : av_inv_q(file.rate());
  auto const moments = clip_moments(request, plan, file.fps(), unit.num, unit.den);
  auto const shown_at = [&](std::int64_t i) { return file.timed() ? file.pts_of(i) : i; };
  std::vector<std::int64_t> frames;
  std::int64_t frame = 0;
  for (std::int64_t const target : moments.targets) {
    while (frame < file.shown() && shown_at(frame) < std::max(moments.start, target)) ++frame;
    if (frame == file.shown()) break;
    frames.push_back(frame++);
  }
  if (frames.empty()) {
    fail<InputError>("the clip from second ", *request.start, " to ", *request.end,
                     " holds no frames; the film ends at second ",
                     double(file.length()) / file.fps());
  }
  return frames;
}

/// The frames at a plan's indices. decord counts frames that an edit list hides; past the last
/// shown one that is repeated.
inline std::vector<std::int64_t> frames_of_video(VideoFile const& file, FramePlan const& plan) {
  std::vector<std::int64_t> frames;
  for (std::int64_t const index : plan.indices) {
    frames.push_back(std::min(index < 0 ? index + file.length() : index, file.shown() - 1));
  }
  if (frames.empty()) fail<InputError>("no frame was chosen");
  return frames;
}

/// What a request chooses of a file.
struct Choice {
  Measure measure;
  FramePlan plan;
  std::vector<std::int64_t> frames;  ///< to decode: fewer than planned if a clip passes the end
};

/// \throws InputError naming the file if the frames cannot be chosen
inline Choice choose(VideoFile const& file, FrameRequest const& request) {
  Choice choice{};
  auto& [measured, plan, frames] = choice;
  try {
    bool const by_seconds = request.start && request.end && request.clip_rule == ClipRule::training;
    measured = by_seconds ? Measure{file.length(), file.fps(), 0.0} : measure(file, request.reader);
    plan = plan_frames(request, measured.length, measured.fps);
    if (!request.start || !request.end) plan.duration = measured.duration;
    frames = plan.by_seconds ? frames_of_clip(file, request, plan) : frames_of_video(file, plan);
    if (plan.by_seconds && frames.size() < plan.indices.size() &&
        !fills_whole_clips(request, std::int64_t(frames.size()))) {
      fail<InputError>("the clip from second ", *request.start, " to ", *request.end,
                       " passes the film's end at second ", double(file.length()) / file.fps(),
                       ": of ", plan.indices.size(), " frames ", frames.size(),
                       " are there, which is not a multiple of the clip length ",
                       request.clip_length, "; end it with the film");
    }
  } catch (InputError const& error) {
    fail<InputError>(file.name(), ": ", error.what());
  }
  return choice;
}

/// Decodes frames into one block, in the order asked for.
/// \param wanted in [0, file.shown()), in any order
/// \param square pixels a side to resize to; else the video's own size
inline Frames decode_frames(VideoFile& file, std::vector<std::int64_t> const& wanted,
                            std::optional<int> square, int threads) {
  VideoInfo const info = describe(file);
  AVCodecParameters const& coded = *file.stream().codecpar;
  Frames frames{int(wanted.size()), square.value_or(info.height), square.value_or(info.width), {}};
  frames.rgb.resize(std::size_t(frames.count) * frames.frame_bytes());

  std::vector<std::int64_t> sorted(wanted);
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  auto const place_of = [&](std::int64_t index) {
    return std::size_t(std::lower_bound(sorted.begin(), sorted.end(), index) - sorted.begin());
  };
  std::vector<int> first_use(sorted.size(), -1);
  for (std::size_t i = wanted.size(); i-- > 0;) first_use[place_of(wanted[i])] = int(i);

  struct Finisher {
    RgbConverter convert;
    Turner turn;
    BicubicResizer resize;
  };
  std::vector<Finisher> finishers;
  for (int thread = 0; thread < threads; ++thread) {
    finishers.push_back({RgbConverter(), Turner(info.rotation),
                         BicubicResizer(info.height, info.width, frames.height, frames.width)});
  }
  auto const found =
      FrameDecoder(file)(sorted, threads, [&](int thread, std::size_t place, AVFrame const& frame) {
        auto& [convert, turn, resize] = finishers[std::size_t(thread)];
        RgbView const rgb = turn(convert(frame, coded.height, coded.width));
        resize(rgb.data, rgb.stride, frames.frame(first_use[place]).data());
      });

  auto const missing = std::count(found.begin(), found.end(), false);
  if (!FrameDecoder::enough(found)) {
    fail<InputError>(file.name(), ": ", missing, " of ", found.size(),
                     " wanted frames cannot be decoded; the file is damaged or cut off");
  }
  // a frame lost to damage is stood in for by the decoded one before it, or else after it
  auto const source = [&](std::size_t place) {
    for (std::size_t p = place + 1; p-- > 0;) {
      if (found[p]) return p;
    }
    return std::size_t(std::find(found.begin(), found.end(), true) - found.begin());
  };
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    std::size_t const place = place_of(wanted[i]);
    if (found[place] && first_use[place] == int(i)) continue;
    std::ranges::copy(frames.frame(first_use[source(place)]), frames.frame(int(i)).begin());
  }
  return frames;
}

}  // namespace detail

VCFLASH_INLINE VideoInfo probe_video(std::filesystem::path const& path, TimeLimit limit) {
  Deadline deadline(limit);
  return detail::describe(VideoFile(path, deadline));
}

VCFLASH_INLINE ChosenLength plan_video(std::filesystem::path const& path,
                                       FrameRequest const& request, TimeLimit limit) {
  Deadline deadline(limit);
  auto const choice = detail::choose(VideoFile(path, deadline), request);
  return {std::int64_t(choice.frames.size()), choice.plan.duration};
}

VCFLASH_INLINE Video read_video(std::filesystem::path const& path, FrameRequest const& request,
                                std::optional<int> square, TimeLimit limit, int threads) {
  Deadline deadline(limit);
  VideoFile file(path, deadline);
  auto choice = detail::choose(file, request);
  Video video{detail::decode_frames(file, choice.frames, square, threads),
              std::move(choice.plan.indices),
              choice.measure.fps,
              choice.plan.duration,
              {}};
  for (std::int64_t const index : video.indices) video.seconds.push_back(double(index) / video.fps);
  return video;
}

VCFLASH_INLINE Frames read_frames(std::filesystem::path const& path,
                                  std::vector<std::int64_t> const& indices,
                                  std::optional<int> square, TimeLimit limit) {
  Deadline deadline(limit);
  VideoFile file(path, deadline);
  for (std::int64_t const index : indices) {
    if (index < 0 || index >= file.shown()) {
      fail<InputError>(file.name(), ": frame ", index, " was asked for; the video has ",
                       file.shown());
    }
  }
  return detail::decode_frames(file, indices, square, 1);
}

}  // namespace vcflash::media
