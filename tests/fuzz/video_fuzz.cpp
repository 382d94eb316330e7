#include <chrono>
#include <cstddef>
#include <cstdint>

#include <tests/fuzz/fuzz.hpp>
#include <vcflash/media/video.hpp>

using namespace vcflash;

/// Bytes as a video file, read whole, as a clip, and as a GIF is.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  constexpr int side = 16;
  media::TimeLimit const limit(std::chrono::seconds(2));
  auto const path = fuzz::as_file("video", fuzz::text_of(data, size));
  media::FrameRequest request;
  request.max_frames = 4;
  auto const read = [&](media::FrameRequest const& wanted) {
    fuzz::refused_or([&] {
      auto const video = media::read_video(path, wanted, side, limit);
      fuzz::require(video.frames.count > 0 && video.frames.height == side &&
                    video.frames.rgb.size() ==
                        std::size_t(video.frames.count) * video.frames.frame_bytes());
    });
  };
  read(request);
  auto clip = request;
  clip.start = 0.2, clip.end = 0.7;
  read(clip);
  auto gif = request;
  gif.reader = media::VideoReader::gif;
  read(gif);
  return 0;
}
