#pragma once

#include <vcflash/base/vocabulary.hpp>

#include <cstdint>

namespace vcflash {

/// How a model is asked about a video where the command line does not say otherwise.
struct Asking {
  /// Frames, sampling and time message are those of the training that wrote the model's folder;
  /// what the folder does not tell is as below.
  bool as_trained = true;
  FrameSampling sampling = FrameSampling::dynamic_fps1;
  std::int64_t min_frames = 64, max_frames = 512;
  /// `dynamic_fps1` takes frames in multiples of this (upstream's `local_num_frames`); 0: of the
  /// frames that the encoder sees together.
  std::int64_t frame_group = 0;
  bool time_message = true;  ///< whether the model is told how long the video is
  QuestionForm form = QuestionForm::trained;
};

/// As its training's conversations are written.
inline constexpr Asking as_trained{};

/// As the code that comes with the released models asks them (`chat` and `load_video` of
/// modeling_videochat_flash.py): 64 to 512 frames in groups of 8, whatever the model was trained
/// on.
inline constexpr Asking as_released{
    .as_trained = false, .frame_group = 8, .form = QuestionForm::released};

}  // namespace vcflash
