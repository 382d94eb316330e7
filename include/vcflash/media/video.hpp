#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frame_sampling.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::media {

/// The chosen frames of a video and when they are shown.
struct Video {
  Frames frames;
  std::vector<std::int64_t> indices;  ///< as chosen: in the video, or in the clip (ClipRule)
  double fps;                         ///< average frames a second of the whole video (VideoReader)
  double duration;                    ///< seconds, of the clip if there is one
  std::vector<double> seconds;        ///< index / fps
};

/// What a video file says about itself.
struct VideoInfo {
  std::int64_t length;   ///< frames, as decord counts them
  std::int64_t shown;    ///< frames that decoding shows: `length` less those an edit list hides
  double fps, duration;  ///< average frames a second; length / fps
  int height, width;     ///< pixels, as displayed
  int rotation;          ///< clockwise degrees that the stored pictures are turned by
  double moments_fps;    ///< frames a second by when they are shown; 0: that is not known
};

/// How much of a video a request chooses.
struct ChosenLength {
  std::int64_t frames;
  double duration;  ///< seconds, of the clip if there is one
};

/// \return what a video file says about itself, without decoding it
/// \throws InputError naming the file if it is no readable video or takes too long
VideoInfo probe_video(std::filesystem::path const& path, TimeLimit limit = default_time_limit);

/// Chooses frames as `read_video` does, and decodes none.
/// \throws InputError where `read_video` would not find the frames that are wanted
ChosenLength plan_video(std::filesystem::path const& path, FrameRequest const& request,
                        TimeLimit limit = default_time_limit);

/// Reads the frames that a request chooses.
/// \param square resize each frame straight to so many pixels a side (no aspect keeping); without
///   it frames keep the video's size
/// \param limit for the whole file
/// \param threads that decode it, each from key frames of its own; the frames do not depend on it
/// \throws InputError naming the file if it is no readable video, if its frames cannot be chosen or
///   decoded, or if that takes too long
Video read_video(std::filesystem::path const& path, FrameRequest const& request,
                 std::optional<int> square = {}, TimeLimit limit = default_time_limit,
                 int threads = 1);

/// Reads given frames of a video.
/// \param indices in [0, shown frames), in any order; a frame may be wanted more than once
/// \throws InputError naming the file, as `read_video` does
Frames read_frames(std::filesystem::path const& path, std::vector<std::int64_t> const& indices,
                   std::optional<int> square = {}, TimeLimit limit = default_time_limit);

}  // namespace vcflash::media

#ifndef VCFLASH_SEPARATE
#include <vcflash/media/video.ipp>
#endif
