#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/chat_template.hpp>
#include <vcflash/base/error.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/collate.hpp>
#include <vcflash/data/frame_reader.hpp>
#include <vcflash/data/media_text.hpp>
#include <vcflash/data/picture.hpp>
#include <vcflash/data/row.hpp>
#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frame_sampling.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/media/normalize.hpp>
#include <vcflash/models/sample.hpp>
#include <vcflash/recipe/stage.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/text/chat.hpp>
#include <vcflash/text/time_message.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/text/turns.hpp>

namespace vcflash::data {

/// How a row becomes a sample.
struct SampleConfig {
  ChatTemplate chat = ChatTemplate::qwen_2;
  FrameSampling sampling = FrameSampling::dynamic_fps1;
  std::int64_t min_frames = 1, max_frames = 1, clip_length = 4;
  int image_size = 224;  ///< pixels a side
  ImageLayout images = ImageLayout::square;
  std::array<float, 3> mean = media::imagenet_statistics.mean;
  std::array<float, 3> std = media::imagenet_statistics.std;
  bool time_message = true;     ///< say in the text how long a video is (upstream: stages 2 to 4)
  bool frame_jitter = false;    ///< draw each frame from its interval of the video
  std::size_t frame_cache = 0;  ///< bytes of decoded, resized frames to keep
  media::TimeLimit time_limit = media::default_time_limit;  ///< for one video file
  std::int64_t max_length = 32768;  ///< ids of a conversation, a medium counting as one
};

/// The ids as a tensor. \return [ids] int64
inline Tensor to_tensor(std::span<std::int64_t const> ids) {
  Tensor out = aten::empty({static_cast<std::int64_t>(ids.size())}, at::kLong);
  std::copy(ids.begin(), ids.end(), out.data_ptr<std::int64_t>());
  return out;
}

/// Decodes, resizes, normalizes, tokenizes and labels one row. Any thread may use it.
class SampleMaker {
 public:
  SampleMaker(SampleConfig const& config, text::Tokenizer tokenizer)
      : config_(config),
        tokenizer_(std::move(tokenizer)),
        padding_(tokenizer_.id_of(config.chat.end_of_text)),
        normalize_({config.mean, config.std}),
        read_(config.image_size, config.frame_cache, config.time_limit) {}

  FrameCache const& cache() const { return read_.cache(); }

  /// \param row its media paths as those of the files
  /// \param seed decides what is random about the sample: its jitter
  /// \throws InputError naming the file or what is wrong with the row
  Sample operator()(Row const& row, std::uint64_t seed) {
    Sample sample;
    std::vector<std::string> messages;
    for (std::string const& path : row.media) {
      require_inside(path, row.root);
      auto& message = messages.emplace_back();
      sample.media.push_back(row.modality == Modality::video ? video(path, row, seed, message)
                                                             : image(path, row.media.size() == 1));
    }
    auto turns = row.turns;
    bool const has_media = !sample.media.empty();
    if (has_media) place_media(turns, messages);
    auto encoded = text::encode_conversation(tokenizer_, config_.chat, turns, has_media);
    auto const places = placeholders(encoded);
    if (places != static_cast<std::ptrdiff_t>(sample.media.size()))
      throw InputError(fmt::format("the conversation has {} <image> for {} {}{}", places,
                                   sample.media.size(), name_of(row.modality),
                                   sample.media.size() == 1 ? "" : "s"));
    cut(encoded, config_.max_length);
    if (padding_) leave_out_padding(encoded, *padding_);
    sample.media.resize(static_cast<std::size_t>(placeholders(encoded)));
    sample.input_ids = to_tensor(encoded.input_ids);
    sample.labels = to_tensor(encoded.labels);
    return sample;
  }

 private:
  static std::ptrdiff_t placeholders(text::Encoded const& encoded) {
    return std::ranges::count(encoded.input_ids, media_placeholder);
  }

  /// \param message is told what the text says of the video's time
  Medium video(std::filesystem::path const& path, Row const& row, std::uint64_t seed,
               std::string& message) {
    media::FrameRequest request;
    request.sampling = config_.sampling;
    request.min_frames = config_.min_frames;
    request.max_frames = config_.max_frames;
    request.clip_length = config_.clip_length;
    if (row.start && row.end) request.start = row.start, request.end = row.end;
    auto const chosen = read_(path, request, row.read_type,
                              config_.frame_jitter ? std::optional(seed) : std::nullopt);
    if (config_.time_message) message = text::time_message(chosen.duration, chosen.frames->count);
    return {Modality::video, normalized(*chosen.frames, chosen.frames.use_count() == 1)};
  }

  /// \param alone of several images in one row upstream pads each to a square
  Medium image(std::filesystem::path const& path, bool alone) const {
    auto const picture = read_picture(path, alone ? config_.images : ImageLayout::pad,
                                      config_.image_size, config_.time_limit);
    return {Modality::image, normalized(picture.tiles, false), picture.rows, picture.columns};
  }

  /// \param last whether nobody needs the frames afterwards: their memory is given back one by one,
  ///   so that a long video is not held twice
  /// \return [count, 3, height, width] fp32
  Tensor normalized(media::Frames const& frames, bool last) const {
    Tensor pixels = aten::empty({frames.count, 3, frames.height, frames.width}, at::kFloat);
    for (int i = 0; i < frames.count; ++i) {
      normalize_(frames.frame(i), {pixels.data_ptr<float>() + i * std::ssize(frames.frame(i)),
                                   frames.frame_bytes()});
      if (last) media::give_back(frames.frame(i));
    }
    return pixels;
  }

  SampleConfig config_;
  text::Tokenizer tokenizer_;
  std::optional<std::int64_t> padding_;
  media::NormalizeTable normalize_;
  FrameReader read_;
};

}  // namespace vcflash::data
