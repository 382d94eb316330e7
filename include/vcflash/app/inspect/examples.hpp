#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/app/inspect/parallel.hpp>
#include <vcflash/app/inspect/survey.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/app/report/blocks.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/frame_reader.hpp>
#include <vcflash/data/mixture.hpp>
#include <vcflash/data/row.hpp>
#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/text/turns.hpp>

namespace vcflash::app {

/// A row as a person looks at it.
struct Example {
  std::string title;                ///< its file and its place there
  std::string text;                 ///< what is said, shortened
  std::vector<std::string> strips;  ///< addresses of pictures: an image, or frames of a video
  std::string problem;              ///< why its media cannot be shown; empty: they are
};

namespace detail {

inline constexpr int strip_height = 112;  ///< pixels

/// A text of at most so many bytes, cut between characters.
inline std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return std::string(text.substr(0, most)) + " …";
}

/// Up to so many frames of a clip, as far from each other as may be, the first and the last among
/// them.
inline media::Frames spread(media::Frames const& frames, int most) {
  if (frames.count <= most) return frames;
  media::Frames some{most, frames.height, frames.width, {}};
  for (int i = 0; i < most; ++i) {
    auto const frame = frames.frame(i * (frames.count - 1) / (most - 1));
    some.rgb.insert(some.rgb.end(), frame.begin(), frame.end());
  }
  return some;
}

/// The frames of a video that `settings` sample, some of them; or an image.
inline std::string strip_of(std::string const& path, data::Row const& row,
                            SurveySettings const& settings) {
  data::require_inside(path, row.root);
  if (row.modality == Modality::image) {
    media::Image image = media::read_image(path);
    return frame_strip({1, image.height, image.width, std::move(image.rgb)}, strip_height);
  }
  media::FrameRequest request{settings.sampling, settings.min_frames, settings.max_frames,
                              settings.clip_length};
  if (row.start && row.end) request.start = row.start, request.end = row.end;
  data::FrameReader read(strip_height, 0, media::default_time_limit);
  return frame_strip(spread(*read(path, request, row.read_type, {}).frames, 8), strip_height);
}

inline Example example_of(data::Mixture const& mixture, std::string const& file, std::int64_t index,
                          SurveySettings const& settings) {
  Example example{file, {}, {}, {}};
  try {
    auto const row = mixture.row(index);
    example.title = fmt::format("{}, row {}", file, row.number);
    for (auto const& turn : row.turns) {
      example.text += fmt::format("{}: {}\n", text::role_of(turn), turn.value);
      if (example.text.size() > 600) break;
    }
    example.text = shortened(example.text, 600);
    constexpr std::size_t most_media = 4;
    for (std::size_t m = 0; m < std::min(row.media.size(), most_media); ++m)
      example.strips.push_back(strip_of(row.media[m], row, settings));
  } catch (std::exception const& error) {
    example.problem = error.what();
  }
  return example;
}

}  // namespace detail

/// Some rows of each set, as far from each other as may be, with frames as they are sampled.
/// \return for each set at most `of_each`
inline std::vector<std::vector<Example>> examples_of(data::Mixture const& mixture,
                                                     SurveySettings const& settings, int threads,
                                                     std::int64_t of_each = 3) {
  struct Place {
    std::size_t set, number;
    std::int64_t row;
  };
  std::vector<std::vector<Example>> examples(mixture.sets().size());
  std::vector<Place> places;
  for (std::size_t s = 0; s < examples.size(); ++s) {
    auto const& set = mixture.sets()[s];
    auto const count = std::min(of_each, set.count);
    examples[s].resize(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i)
      places.push_back({s, static_cast<std::size_t>(i), set.first + i * set.count / count});
  }
  Progress progress("reading examples", "row", std::ssize(places));
  in_parallel(
      std::ssize(places), threads, 1,
      [&](int, std::int64_t first, std::int64_t) {
        auto const& [set, number, row] = places[static_cast<std::size_t>(first)];
        examples[set][number] =
            detail::example_of(mixture, mixture.sets()[set].json_path, row, settings);
      },
      [&](std::int64_t done) { progress.update(done); });
  return examples;
}

}  // namespace vcflash::app
