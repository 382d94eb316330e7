#pragma once

#include <vcflash/base/chat_template.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/meta/sentence.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vcflash {

/// Which parts of a model a stage trains; the others carry no gradients and no optimizer state.
struct TrainedParts {
  bool encoder = false, connector = false, llm = false;
  constexpr bool any() const { return encoder || connector || llm; }
};

/// How an image becomes tiles for the encoder; upstream's `image_aspect_ratio`.
enum class ImageLayout {
  square,        ///< resized to a square as it is
  pad,           ///< centred in a square of its longer side, then resized
  anyres_nopad,  ///< the whole and its tiles over the best of the grids (1x1)..(6x6)
};

inline constexpr std::array all_image_layouts{ImageLayout::square, ImageLayout::pad,
                                              ImageLayout::anyres_nopad};

constexpr std::string_view name_of(ImageLayout images) {
  switch (images) {
    case ImageLayout::square:
      return "square";
    case ImageLayout::pad:
      return "pad";
    case ImageLayout::anyres_nopad:
      return "anyres_nopad";
  }
  return "unknown";
}

/// The layout of a name; none if no layout has it.
constexpr std::optional<ImageLayout> image_layout_named(std::string_view name) {
  for (ImageLayout const layout : all_image_layouts) {
    if (name == name_of(layout)) return layout;
  }
  return std::nullopt;
}

/// What a script of upstream's sets. A run may override any of it (train/config.hpp).
struct Hyperparameters {
  double learning_rate = 1e-5;
  double encoder_learning_rate = 0;    ///< 0: `learning_rate`
  double connector_learning_rate = 0;  ///< 0: `learning_rate`
  double weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double clip_norm = 1.0;
  double warmup_ratio = 0.03;
  double min_lr_ratio = 0;        ///< the cosine ends at this part of the rate
  std::int64_t micro_batch = 1;   ///< conversations a process sees at a time
  std::int64_t accumulation = 8;  ///< micro batches a step
  std::int64_t processes = 32;
  std::int64_t epochs = 1;
  std::int64_t max_steps = 0;       ///< 0: as many as the epochs have
  std::int64_t max_length = 32768;  ///< tokens a conversation, visual ones included
  std::int64_t min_frames = 64, max_frames = 512;
  FrameSampling sampling = FrameSampling::dynamic_fps1;
  bool frame_jitter = false;  ///< draw each frame from its interval of the video, anew each time
  ChatTemplate chat = ChatTemplate::qwen_2;
  ImageLayout images = ImageLayout::anyres_nopad;
  bool bf16 = true;
  bool gradient_checkpointing = true;
  bool group_by_length = true;  ///< batches of one modality and similar lengths
  std::int64_t save_every = 10000;
  std::uint64_t seed = 42;

  /// Conversations that one step of the optimizer sees.
  constexpr std::int64_t global_batch() const { return micro_batch * accumulation * processes; }
};

/// How much of a training's state each of its processes keeps for all of them (ZeRO, Rajbhandari
/// et al. 2020).
struct ZeroStage {
  int value = 0;

  constexpr bool optimizer() const { return value >= 1; }   ///< moments and fp32 copies
  constexpr bool gradients() const { return value >= 2; }   ///< and sums of gradients
  constexpr bool parameters() const { return value >= 3; }  ///< and the parameters themselves
};

/// A recipe's policy. One process trains the same whatever it is.
template <int Stage>
struct Zero {
  static_assert(0 <= Stage && Stage <= 3, "ZeRO has the stages 0 to 3");
  static constexpr ZeroStage stage{Stage};
};

/// A step on the way to a trained model: what is trained, and how.
template <class S>
concept Stage = requires {
  { S::name } -> std::convertible_to<std::string_view>;
  { S::trained } -> std::convertible_to<TrainedParts>;
  { S::defaults } -> std::convertible_to<Hyperparameters>;
};

/// Stage 1, upstream's stage1-init_connector: captions teach the connector alone.
struct ConnectorInit {
  static constexpr Name name = "ConnectorInit";
  static constexpr TrainedParts trained{.connector = true};
  using Sharding = Zero<1>;
  static constexpr Hyperparameters defaults{.learning_rate = 1e-3,
                                            .micro_batch = 16,
                                            .accumulation = 4,
                                            .processes = 8,
                                            .max_length = 8192,
                                            .min_frames = 4,
                                            .max_frames = 4,
                                            .sampling = FrameSampling::middle,
                                            .chat = ChatTemplate::plain,
                                            .images = ImageLayout::square,
                                            .group_by_length = false};
};

/// Stage 2, upstream's stage2-visual_pretraining: everything learns on short clips and images.
struct VisualPretraining {
  static constexpr Name name = "VisualPretraining";
  static constexpr TrainedParts trained{.encoder = true, .connector = true, .llm = true};
  using Sharding = Zero<1>;
  static constexpr Hyperparameters defaults{
      .encoder_learning_rate = 2e-6, .min_frames = 1, .max_frames = 8, .save_every = 12000};
};

/// Stage 3, upstream's stage3-video_sft: everything learns on long videos.
struct VideoSft {
  static constexpr Name name = "VideoSft";
  static constexpr TrainedParts trained{.encoder = true, .connector = true, .llm = true};
  using Sharding = Zero<1>;
  static constexpr Hyperparameters defaults{.encoder_learning_rate = 2e-6, .save_every = 10000};
};

/// Stage 4, upstream's stage4_highres_postft: the encoder learns to see at more pixels.
struct HighResPostSft {
  static constexpr Name name = "HighResPostSft";
  static constexpr TrainedParts trained{.encoder = true, .connector = true};
  using Sharding = Zero<1>;
  static constexpr Hyperparameters defaults{.encoder_learning_rate = 2e-6, .save_every = 8000};
};

/// Fine-tuning by low-rank adapters of the LLM (layers/lora.hpp), the connector learning as well:
/// rates as LLaVA's `finetune_task_lora` has them, batches for one GPU.
struct LoraSft {
  static constexpr Name name = "LoraSft";
  static constexpr TrainedParts trained{.connector = true, .llm = true};
  static constexpr Hyperparameters defaults{.learning_rate = 2e-4,
                                            .connector_learning_rate = 2e-5,
                                            .accumulation = 16,
                                            .processes = 1,
                                            .max_length = 8192,
                                            .max_frames = 128,
                                            .save_every = 100};
};

static_assert(Stage<LoraSft>);
static_assert(Stage<ConnectorInit> && Stage<VisualPretraining> && Stage<VideoSft> &&
              Stage<HighResPostSft>);

}  // namespace vcflash
