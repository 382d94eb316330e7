#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <limits>
#include <sstream>
#include <type_traits>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/base/nearest.hpp>
#include <vcflash/text/toml.hpp>
#include <vcflash/train/config.hpp>

namespace vcflash::train {

namespace detail {

/// Calls `visit(name, value, lowest, highest, meaning)` for every setting, in the order of a
/// configuration file.
template <class Config, class Visit>
void visit_settings(Config& c, Visit&& visit) {
  constexpr double most = 1e9, any = std::numeric_limits<double>::max();
  auto& r = c.recipe;
  visit("train.max_steps", r.max_steps, 0, most, "steps of the run; 0: as many as the epochs have");
  visit("train.epochs", r.epochs, 1, most, "times that the mixture is seen");
  visit("train.seed", r.seed, 0, any, "of initial weights, order and jitter");
  visit("train.dtype", c.dtype, 0, 0, "float32 or bfloat16");
  visit("train.global_batch", c.global_batch, 1, most, "conversations a step");
  visit("train.micro_batch", r.micro_batch, 1, most, "conversations at a time");
  visit("train.learning_rate", r.learning_rate, 0, any, "highest of the run");
  visit("train.encoder_learning_rate", r.encoder_learning_rate, 0, any,
        "0: as learning_rate, which is how upstream's scripts ran; see docs/training.md");
  visit("train.connector_learning_rate", r.connector_learning_rate, 0, any, "0: as learning_rate");
  visit("train.schedule", c.schedule, 0, 0, "cosine, linear, constant or constant_with_warmup");
  visit("train.warmup_ratio", r.warmup_ratio, 0, 1, "part of the run that warms up");
  visit("train.min_lr_ratio", r.min_lr_ratio, 0, 1, "part of the rate that the decay ends at");
  visit("train.weight_decay", r.weight_decay, 0, any, "of AdamW; not of biases and LayerNorms");
  visit("train.beta1", r.beta1, 0, 1, "of AdamW");
  visit("train.beta2", r.beta2, 0, 1, "of AdamW");
  visit("train.epsilon", r.epsilon, 0, any, "of AdamW");
  visit("train.clip_norm", r.clip_norm, 0, any, "highest norm of a step's gradients; 0: any");
  visit("train.gradient_checkpointing", r.gradient_checkpointing, 0, 0,
        "run layers twice instead of keeping what they computed");
  visit("train.batch_threads", c.batch_threads, 1, 64,
        "among which a micro batch is divided; each keeps gradients of its own");
  visit("train.threads", c.threads, 0, 4096, "of tensor operations in each; 0: what there is");
  visit("train.max_bad_steps", c.max_bad_steps, 1, most,
        "without a finite loss, one after the other, that end the run");
  visit("dist.timeout", c.dist_timeout, 1, most, "seconds to wait for another process");
  visit("checkpoint.every_steps", r.save_every, 0, most, "0: by time alone");
  visit("checkpoint.every_minutes", c.save_minutes, 0, most,
        "0: by steps alone; none at all if that is 0, too");
  visit("checkpoint.keep", c.keep, 1, most, "newest running checkpoints that stay");
  visit("data.max_length", r.max_length, 1, most, "tokens a conversation, visual ones included");
  visit("data.sampling", r.sampling, 0, 0, "of frames: middle or dynamic_fps1");
  visit("data.min_frames", r.min_frames, 1, most, "of a video");
  visit("data.max_frames", r.max_frames, 1, most, "of a video");
  visit("data.image_aspect_ratio", r.images, 0, 0,
        "of images: square, pad, or anyres_nopad, in up to 6x6 tiles and one of the whole");
  visit("data.jitter", c.jitter, 0, 0, "draw each frame from its interval");
  visit("data.time_message", c.time_message, 0, 0, "say in the text how long a video is");
  visit("data.order", c.order, 0, 0,
        "of samples: grouped, grouped_auto, length, variable_length, shuffled or mixture");
  visit("data.workers", c.workers, 1, 1024, "threads that decode ahead");
  visit("data.prefetch", c.prefetch, 1, 4096, "micro batches ready ahead");
  visit("data.frame_cache", c.frame_cache, 0, most, "MiB of decoded frames that are kept");
  visit("data.video_timeout", c.video_timeout, 0, most,
        "seconds to read a video; 0: 30, and half a second for each of its own");
  visit("data.max_bad_fraction", c.max_bad_fraction, 0, 1,
        "part of the last 1,000 samples that may fail before the run stops");
  visit("data.allow_outside_root", c.allow_outside_root, 0, 0,
        "media may lie outside their data_root");
}

/// The values of a setting that is chosen by name.
template <class Choice>
constexpr auto choices_of() {
  if constexpr (std::same_as<Choice, ScheduleKind>) {
    using enum ScheduleKind;
    return std::array{cosine, linear, constant, constant_with_warmup};
  } else if constexpr (std::same_as<Choice, FrameSampling>) {
    return std::array{FrameSampling::middle, FrameSampling::dynamic_fps1};
  } else if constexpr (std::same_as<Choice, ImageLayout>) {
    return all_image_layouts;
  } else if constexpr (std::same_as<Choice, data::Order>) {
    return data::all_orders;
  } else {
    static_assert(std::same_as<Choice, at::ScalarType>);
    return std::array{at::kFloat, at::kBFloat16};
  }
}

inline std::string shown(toml::node const& value) {
  std::ostringstream text;
  value.visit([&](auto const& node) { text << node; });
  return text.str();
}

/// Gives `target` a value of a file, if it fits.
template <class T>
void take(T& target, toml::node const& value, double lowest, double highest, std::string_view name,
          std::string_view where) {
  auto const refuse = [&](std::string_view expected) {
    throw InputError(fmt::format("{}: {} = {} is not {}.", where, name, shown(value), expected));
  };
  if constexpr (std::same_as<T, bool>) {
    if (!value.is_boolean()) refuse("true or false");
    target = value.as_boolean()->get();
  } else if constexpr (std::integral<T>) {
    auto const range = highest > 1e18
                           ? fmt::format("a whole number of at least {}", lowest)
                           : fmt::format("a whole number from {} to {}", lowest, highest);
    if (!value.is_integer()) refuse(range);
    auto const number = value.as_integer()->get();
    if (static_cast<double>(number) < lowest || static_cast<double>(number) > highest)
      refuse(range);
    target = static_cast<T>(number);
  } else if constexpr (std::floating_point<T>) {
    auto const range = highest > 1e18 ? fmt::format("a number of at least {}", lowest)
                                      : fmt::format("a number from {} to {}", lowest, highest);
    if (!value.is_number()) refuse(range);
    auto const number = *value.value<double>();
    if (!(number >= lowest && number <= highest)) refuse(range);
    target = number;
  } else {
    std::string names;
    for (auto const choice : choices_of<T>()) {
      if (value.is_string() && value.as_string()->get() == name_of(choice)) {
        target = choice;
        return;
      }
      names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", name_of(choice));
    }
    refuse("one of " + names);
  }
}

template <class T>
std::string as_toml(T const& value) {
  if constexpr (std::same_as<T, bool> || std::integral<T>) {
    return fmt::format("{}", value);
  } else if constexpr (std::floating_point<T>) {
    auto text = fmt::format("{}", value);
    // TOML takes no number without a digit on either side of its point or exponent.
    return text.find_first_of(".e") == text.npos ? text + ".0" : text;
  } else {
    return fmt::format("\"{}\"", name_of(value));
  }
}

/// Overrides one setting.
/// \param where the file or flag that says so, for messages
/// \throws InputError if there is no such setting, naming the nearest, or the value does not fit
inline void set(RunConfig& config, std::string_view name, toml::node const& value,
                std::string_view where) {
  bool known = false;
  std::vector<std::string_view> settings;
  visit_settings(config, [&](std::string_view setting, auto& target, double lowest, double highest,
                             std::string_view) {
    if (setting == name) {
      known = true;
      take(target, value, lowest, highest, name, where);
    }
    settings.push_back(setting);
  });
  if (!known) {
    throw InputError(fmt::format("{}: there is no setting {}; the nearest is {}.", where, name,
                                 nearest(name, settings)));
  }
}

}  // namespace detail

VCFLASH_INLINE void overlay(RunConfig& config, std::filesystem::path const& file) {
  toml::table table;
  try {
    table = toml::parse_file(file.string());
  } catch (toml::parse_error const& error) {
    auto const line = error.source().begin.line;
    throw InputError(fmt::format("{}: {}{}.", file.string(),
                                 line > 0 ? fmt::format("line {}: ", line) : std::string(),
                                 error.description()));
  }
  for (auto const& [section, node] : table) {
    std::string const prefix(section.str());
    if (auto const* const settings = node.as_table()) {
      for (auto const& [key, value] : *settings) {
        detail::set(config, fmt::format("{}.{}", prefix, key.str()), value, file.string());
      }
    } else {
      detail::set(config, prefix, node, file.string());
    }
  }
}

VCFLASH_INLINE void overlay_setting(RunConfig& config, std::string_view assignment) {
  auto const equals = assignment.find('=');
  auto const where = fmt::format("--set {}", assignment);
  if (equals == assignment.npos) {
    throw InputError(fmt::format("{}: is not of the form name=value.", where));
  }
  auto const name = assignment.substr(0, equals), text = assignment.substr(equals + 1);
  toml::table table;
  try {
    table = toml::parse(fmt::format("value = {}", text));
  } catch (toml::parse_error const&) {
    table.insert("value", std::string(text));
  }
  detail::set(config, name, *table.get("value"), where);
}

VCFLASH_INLINE void require_consistent(RunConfig const& config, std::int64_t processes) {
  auto const& r = config.recipe;
  if (config.global_batch % r.micro_batch != 0) {
    throw InputError(
        fmt::format("train.global_batch = {} is no multiple of train.micro_batch = {}.",
                    config.global_batch, r.micro_batch));
  }
  if (processes > 1 && config.batch_threads > 1) {
    throw InputError(
        fmt::format("train.batch_threads = {} is for one process; {} processes divide the work "
                    "themselves: set it to 1.",
                    config.batch_threads, processes));
  }
  if (config.accumulation() % processes != 0) {
    throw InputError(
        fmt::format("train.global_batch = {} does not give each of {} processes as many "
                    "micro batches of train.micro_batch = {}.",
                    config.global_batch, processes, r.micro_batch));
  }
  if (r.min_frames > r.max_frames) {
    throw InputError(fmt::format("data.min_frames = {} is more than data.max_frames = {}.",
                                 r.min_frames, r.max_frames));
  }
}

VCFLASH_INLINE std::vector<std::pair<std::string, std::string>> settings_of(
    RunConfig const& config) {
  std::vector<std::pair<std::string, std::string>> settings;
  detail::visit_settings(
      config, [&](std::string_view name, auto const& value, double, double, std::string_view) {
        settings.emplace_back(name, detail::as_toml(value));
      });
  return settings;
}

VCFLASH_INLINE std::string to_toml(RunConfig const& config) {
  std::string text, section;
  detail::visit_settings(config, [&](std::string_view name, auto const& value, double, double,
                                     std::string_view meaning) {
    auto const dot = name.find('.');
    if (name.substr(0, dot) != section) {
      text += fmt::format("{}[{}]\n", section.empty() ? "" : "\n", name.substr(0, dot));
      section = name.substr(0, dot);
    }
    auto const line = fmt::format("{} = {}", name.substr(dot + 1), detail::as_toml(value));
    text += fmt::format("{:<40}# {}\n", line, meaning);
  });
  return text;
}

}  // namespace vcflash::train
