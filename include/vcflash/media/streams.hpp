#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include <vcflash/media/ffmpeg.hpp>

namespace vcflash::media {

namespace detail {

/// Beyond so many frames a stream is not a picture that goes with a film.
inline constexpr std::int64_t frames_of_a_film = 5;

/// \return the numbers of a container's streams of video
inline std::vector<int> video_streams(AVFormatContext const& container) {
  std::vector<int> found;
  for (unsigned s = 0; s < container.nb_streams; ++s) {
    if (container.streams[s]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO) found.push_back(int(s));
  }
  return found;
}

/// The frames of each stream as the container lists them, or counted as far as it takes to tell a
/// film from a picture.
/// \param next gives the next packet's stream, negative at the end; not called if all is listed
template <class Next>
std::map<int, std::int64_t> frames_of_streams(AVFormatContext const& container,
                                              std::vector<int> const& streams, Next&& next) {
  std::map<int, std::int64_t> frames;
  for (int const s : streams) frames[s] = container.streams[s]->nb_frames;
  auto const listed = [](auto const& stream) { return stream.second > 0; };
  if (std::ranges::all_of(frames, listed)) return frames;
  for (auto& [stream, count] : frames) count = 0;
  auto const enough = [](auto const& stream) { return stream.second >= frames_of_a_film; };
  while (!std::ranges::all_of(frames, enough)) {
    int const stream = next();
    if (stream < 0) break;
    if (auto const found = frames.find(stream); found != frames.end()) ++found->second;
  }
  return frames;
}

/// The stream that decord reads: a film rather than a picture, then the one that the container
/// calls the default, then the one of the higher rate of bits; of equals the first.
/// \param frames of each stream of video, at least one
inline int best_stream(AVFormatContext const& container,
                       std::map<int, std::int64_t> const& frames) {
  auto const rank = [&](auto const& stream) {
    AVStream const& facts = *container.streams[stream.first];
    constexpr int impaired = AV_DISPOSITION_HEARING_IMPAIRED | AV_DISPOSITION_VISUAL_IMPAIRED;
    int const wanted = ((facts.disposition & impaired) == 0 ? 1 : 0) +
                       ((facts.disposition & AV_DISPOSITION_DEFAULT) != 0 ? 1 : 0);
    return std::tuple(std::min(stream.second, frames_of_a_film), wanted, facts.codecpar->bit_rate,
                      stream.second);
  };
  return std::ranges::max_element(frames, {}, rank)->first;
}

}  // namespace detail

}  // namespace vcflash::media
