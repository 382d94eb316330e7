#pragma once

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/media/byte_source.hpp>
#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frame_sampling.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/resize.hpp>
#include <vcflash/media/video.hpp>

namespace vcflash::media {

namespace detail {

inline std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace detail

/// Frames a second of a folder of frames: 3 if its path names TVQA in any case, else 1.
inline double folder_fps(std::string const& path) {
  return detail::lower(path).find("tvqa") == std::string::npos ? 1.0 : 3.0;
}

/// Chooses frames of a folder as upstream's `read_frames_img` does. A clip is cut by rounded
/// seconds and never begins with the first file.
/// \param files in the folder  \param fps of the folder
/// \throws InputError where upstream raises: one frame of a clip, a frame past the last file
inline FramePlan plan_folder(FrameRequest request, std::int64_t files, double fps) {
  detail::check(request);
  double length = double(files);
  bool const clip = request.start && request.end;
  if (clip)
    length = (std::min(double(files) / fps, *request.end) - std::max(0.0, *request.start)) * fps;
  double const duration = length / fps;
  if (double(request.min_frames) > length) {
    double const whole = double(request.clip_length);
    request.min_frames = std::int64_t(request.sampling == FrameSampling::dynamic_fps1
                                          ? detail::floor_divide(length, whole) * whole
                                          : length);
  }
  std::int64_t wanted = request.max_frames;
  if (request.sampling == FrameSampling::dynamic_fps1) {
    wanted = std::min(detail::frames_at_one_a_second(duration, request.clip_length), wanted);
    wanted = std::max(wanted, request.min_frames);
  }
  // without a clip upstream counts every file as a second, whatever the folder's rate
  if (!clip) return {frame_indices(request, wanted, files, 1.0), duration};

  if (wanted == 1) fail<InputError>("one frame of a clip in a folder of frames has no spacing");
  double const first = std::max(1.0, std::nearbyint(*request.start * fps));
  double const last = std::min(std::nearbyint(*request.end * fps), double(files - 1));
  double const step = (last - first) / double(wanted - 1);
  FramePlan plan{{}, duration};
  for (std::int64_t i = 0; i < wanted; ++i) {
    auto const index = std::int64_t(first + std::nearbyint(step * double(i)));
    if (index < -files || index >= files) {
      fail<InputError>("frame ", index, " was asked for; the folder has ", files);
    }
    plan.indices.push_back(index);
  }
  return plan;
}

/// The pictures of a folder of frames in the order of the numbers that end their names (`2.jpg`
/// before `10.jpg`, `shot_2.jpg` before `shot_10.jpg`); names without a number come first. Files
/// that systems leave behind (names that begin with a dot, `Thumbs.db`) are passed over.
/// \throws InputError if the folder is missing or holds anything but .jpg, .jpeg and .png, in
///   letters of either case
inline std::vector<std::filesystem::path> list_frames(std::filesystem::path const& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  if (error) fail<InputError>(folder.string(), ": not a folder of frames: ", error.message());
  std::vector<std::tuple<double, std::string, std::filesystem::path>> numbered;
  for (; entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::string const name = entry->path().filename().string();
    std::string const kind = detail::lower(entry->path().extension().string());
    if (name.starts_with('.') || name == "Thumbs.db") continue;
    if (kind != ".jpg" && kind != ".jpeg" && kind != ".png") {
      fail<InputError>(folder.string(), ": ", name, " is no frame (.jpg, .jpeg or .png)");
    }
    std::string const stem = name.substr(0, name.size() - kind.size());
    std::size_t const digits = stem.find_last_not_of("0123456789") + 1;
    numbered.emplace_back(digits < stem.size() ? std::stod(stem.substr(digits)) : -1.0, name,
                          entry->path());
  }
  if (error) fail<ReadError>(folder.string(), ": cannot be listed: ", error.message());
  std::sort(numbered.begin(), numbered.end());
  std::vector<std::filesystem::path> frames;
  frames.reserve(numbered.size());
  for (auto& [number, name, path] : numbered) frames.push_back(std::move(path));
  return frames;
}

/// Reads the frames of a folder that a request chooses.
/// \param square resize each frame straight to so many pixels a side
/// \param limit of time for the whole folder, each of its chosen frames counting as a second
/// \throws InputError naming the folder or file, also if it takes too long; frames of different
///   sizes are refused
inline Video read_frame_folder(std::filesystem::path const& folder, FrameRequest const& request,
                               std::optional<int> square = {},
                               TimeLimit limit = default_time_limit) {
  Deadline deadline(limit);
  auto const files = list_frames(folder);
  double const fps = folder_fps(folder.string());
  FramePlan plan;
  try {
    plan = plan_folder(request, std::int64_t(files.size()), fps);
    check_whole_clips(request, std::int64_t(plan.indices.size()));
  } catch (InputError const& error) {
    fail<InputError>(folder.string(), ": ", error.what());
  }
  if (plan.indices.empty()) fail<InputError>(folder.string(), ": no frame was chosen");
  Video video{{int(plan.indices.size()), 0, 0, {}}, plan.indices, fps, plan.duration, {}};
  deadline.allow_for(double(plan.indices.size()));
  Frames& frames = video.frames;
  std::optional<BicubicResizer> resize;
  int height = 0, width = 0;
  for (int i = 0; i < frames.count; ++i) {
    std::int64_t const index = plan.indices[std::size_t(i)];
    auto const& file = files[std::size_t(index < 0 ? index + std::int64_t(files.size()) : index)];
    Image const image = read_image(file, deadline);
    if (!resize) {
      std::tie(height, width) = std::pair{image.height, image.width};
      frames.height = square.value_or(height);
      frames.width = square.value_or(width);
      frames.rgb.resize(std::size_t(frames.count) * frames.frame_bytes());
      resize.emplace(height, width, frames.height, frames.width);
    }
    if (image.height != height || image.width != width) {
      fail<InputError>(file.string(), ": a frame of ", image.width, " x ", image.height,
                       " among frames of ", width, " x ", height);
    }
    (*resize)(image.rgb.data(), std::size_t(width) * 3, frames.frame(i).data());
    video.seconds.push_back(double(index) / fps);
  }
  return video;
}

}  // namespace vcflash::media
