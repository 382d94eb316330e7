#pragma once

#include <cstdint>
#include <string_view>

namespace vcflash {

/// How the frames of a video are chosen; upstream's `frames_upbound`/`sample` rules.
enum class FrameSampling {
  middle,        ///< the middle of equal intervals
  dynamic_fps1,  ///< one a second between a lower and an upper bound, in whole clips
  rand,          ///< a random frame of each of equal intervals
  fps,           ///< a given number of frames a second
};

/// How a question about a video stands in a prompt, behind the time message.
enum class QuestionForm {
  trained,   ///< as training's conversations have it: a line break between the two
  released,  ///< as the released models' own `chat` writes it: one blank between the two
};

enum class Modality { text, image, video };

/// A label that carries no loss (torch's `ignore_index`).
inline constexpr std::int64_t ignore_label = -100;

/// The id that stands for one medium in a sequence of token ids; upstream's `IMAGE_TOKEN_INDEX`.
inline constexpr std::int64_t media_placeholder = -200;

constexpr std::string_view name_of(FrameSampling sampling) {
  switch (sampling) {
    case FrameSampling::middle:
      return "middle";
    case FrameSampling::dynamic_fps1:
      return "dynamic_fps1";
    case FrameSampling::rand:
      return "rand";
    case FrameSampling::fps:
      return "fps";
  }
  return "unknown";
}

constexpr std::string_view name_of(QuestionForm form) {
  return form == QuestionForm::released ? "released" : "trained";
}

constexpr std::string_view name_of(Modality modality) {
  switch (modality) {
    case Modality::text:
      return "text";
    case Modality::image:
      return "image";
    case Modality::video:
      return "video";
  }
  return "unknown";
}

}  // namespace vcflash
