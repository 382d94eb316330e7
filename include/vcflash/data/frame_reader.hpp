#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/data/frame_cache.hpp>
#include <vcflash/data/sampler.hpp>
#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frame_folder.hpp>
#include <vcflash/media/frame_sampling.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/media/video.hpp>

namespace vcflash::data {

/// Whether videos can be read so; upstream's `video_read_type`.
constexpr bool is_read_type(std::string_view type) {
  return type.empty() || type == "decord" || type == "av" || type == "gif" || type == "img";
}

/// The frames of one training sample.
struct ChosenFrames {
  std::shared_ptr<media::Frames const> frames;  ///< the cache's own, if it keeps them
  double duration = 0;  ///< seconds of the video, or of the clip that the row names
};

/// Reads frames of videos, through a cache. Any thread may use it.
class FrameReader {
 public:
  /// Videos up to so many frames are kept whole when frames are jittered, as any may be next.
  static constexpr std::int64_t whole_up_to = 64;

  /// \param square pixels a side  \param cache_bytes for frames wanted before; 0: none
  FrameReader(int square, std::size_t cache_bytes, media::TimeLimit limit)
      : square_(square), limit_(limit), cache_(cache_bytes) {}

  FrameCache const& cache() const { return cache_; }

  /// \param type how the video is read: a file by decord's measure (also if empty), by av's or as a
  ///   gif, or `img`, a folder of frames
  /// \param jitter if set, each frame is drawn from its interval of the video instead of taken by
  ///   the request's rule; the same number draws the same. A row's own clip is not jittered, nor
  ///   what is read in another way than decord's.
  /// \throws InputError naming the file if it cannot be read
  ChosenFrames operator()(std::filesystem::path const& path, media::FrameRequest request,
                          std::string_view type, std::optional<std::uint64_t> jitter) {
    if (!is_read_type(type))
      throw InputError(fmt::format("{}: video_read_type {} is none of decord, av, gif, img.",
                                   path.string(), type));
    bool const plain = type.empty() || type == "decord";
    if (jitter && plain && !(request.start && request.end)) return jittered(path, request, *jitter);
    if (type == "av") request.reader = media::VideoReader::av;
    if (type == "gif") request.reader = media::VideoReader::gif;
    auto const kept = remembered(key_of(path, request), [&] {
      media::Video video = type == "img" ? media::read_frame_folder(path, request, square_, limit_)
                                         : media::read_video(path, request, square_, limit_);
      return CachedFrames{std::move(video.frames), std::move(video.indices), 0, video.fps,
                          video.duration};
    });
    return {{kept, &kept->frames}, kept->duration};
  }

 private:
  template <class Read>
  std::shared_ptr<CachedFrames const> remembered(std::string const& key, Read&& read) {
    if (auto kept = cache_.find(key)) return kept;
    auto made = std::make_shared<CachedFrames const>(read());
    if (cache_.enabled()) cache_.keep(key, made);
    return made;
  }

  std::string key_of(std::filesystem::path const& path, media::FrameRequest const& request) const {
    return fmt::format("{}\n{} {} {} {} {} {} {}", path.string(), name_of(request.sampling),
                       request.min_frames, request.max_frames, request.clip_length,
                       request.start.value_or(-1), request.end.value_or(-1),
                       static_cast<int>(request.reader));
  }

  ChosenFrames jittered(std::filesystem::path const& path, media::FrameRequest const& request,
                        std::uint64_t seed) {
    std::string const key = path.string() + "\nwhole";
    std::shared_ptr<CachedFrames const> whole = cache_.find(key);
    std::int64_t length = 0;
    double fps = 0;
    if (whole) {
      length = whole->length;
      fps = whole->fps;
    } else {
      auto const info = media::probe_video(path, limit_);
      length = info.shown;
      fps = info.fps;
      if (cache_.enabled() && length <= whole_up_to) {
        whole = remembered(key, [&] {
          std::vector<std::int64_t> all(static_cast<std::size_t>(length));
          for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
          return CachedFrames{media::read_frames(path, all, square_, limit_), all, length, fps,
                              double(length) / fps};
        });
      }
    }

    auto const wanted = media::plan_frames(request, length, fps).indices.size();
    auto const indices = drawn(length, static_cast<std::int64_t>(wanted), seed);
    auto const chosen = std::make_shared<media::Frames>();
    if (!whole) {
      *chosen = media::read_frames(path, indices, square_, limit_);
      return {chosen, double(length) / fps};
    }
    *chosen = {static_cast<int>(wanted), whole->frames.height, whole->frames.width, {}};
    chosen->rgb.reserve(wanted * whole->frames.frame_bytes());
    for (std::int64_t const index : indices) {
      auto const pixels = whole->frames.frame(static_cast<int>(index));
      chosen->rgb.insert(chosen->rgb.end(), pixels.begin(), pixels.end());
    }
    return {chosen, double(length) / fps};
  }

  /// One frame out of each of `wanted` equal intervals; the last again if the video is too short.
  static std::vector<std::int64_t> drawn(std::int64_t length, std::int64_t wanted,
                                         std::uint64_t seed) {
    TorchRandom random(seed);
    std::int64_t const parts = std::min(length, wanted);
    std::vector<std::int64_t> indices;
    for (std::int64_t i = 0; i < parts; ++i) {
      std::int64_t const first = i * length / parts, next = (i + 1) * length / parts;
      indices.push_back(first + random.next() % (next - first));
    }
    indices.resize(static_cast<std::size_t>(wanted), indices.back());
    return indices;
  }

  int square_;
  media::TimeLimit limit_;
  FrameCache cache_;
};

}  // namespace vcflash::data
