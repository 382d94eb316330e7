#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <string>

#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frame_folder.hpp>
#include <vcflash/media/frame_sampling.hpp>
#include <vcflash/media/video.hpp>

namespace vcflash::media {

/// Reads a video as a model that is asked about it gets it: a folder is a folder of frames, a GIF
/// shows one frame a second, anything else is measured as decord does. Upstream: `load_video` of
/// the released models' code.
/// \param request its `reader` and `clip_rule` are chosen here
/// \param square pixels a side that each frame is resized to; none: the video's own size
/// \throws InputError naming the file, as `read_video` and `read_frame_folder` do
inline Video load_video(std::filesystem::path const& path, FrameRequest request,
                        std::optional<int> square = {}, TimeLimit limit = default_time_limit,
                        int threads = 1) {
  request.clip_rule = ClipRule::evaluation;
  if (std::filesystem::is_directory(path)) return read_frame_folder(path, request, square, limit);
  auto extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return std::tolower(c); });
  request.reader = extension == ".gif" ? VideoReader::gif : VideoReader::decord;
  return read_video(path, request, square, limit, threads);
}

}  // namespace vcflash::media
