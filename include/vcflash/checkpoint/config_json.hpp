#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json_fwd.hpp>

#include <vcflash/connectors/pooling.hpp>
#include <vcflash/llms/language_model.hpp>
#include <vcflash/llms/visual_dropping.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/recipe.hpp>

/// A model's `config.json` as upstream's training writes it.
namespace vcflash::checkpoint {

/// What `config.json` says of visual token dropping. Where nothing is dropped, upstream's defaults.
struct DroppingFields {
  bool drops = false;
  std::string type = "attention";
  std::vector<std::int64_t> layers{8, 16, 24};
  std::vector<double> kept{1.0, 0.5, 0.25, 0.125};
};

template <LanguageModel L>
DroppingFields dropping_fields() {
  if constexpr (DropsVisualTokens<L>) {
    constexpr DropSchedule schedule = L::Dropping::schedule;
    constexpr std::int64_t uniform = L::Dropping::uniform_points;
    return {.drops = true,
            .type = uniform == 0                 ? "attention"
                    : uniform == schedule.points ? "uniform"
                                                 : fmt::format("uniform{}_attention", uniform - 1),
            .layers = {schedule.layers.begin(), schedule.layers.begin() + schedule.points},
            .kept = {schedule.kept.begin(), schedule.kept.begin() + schedule.ratios}};
  } else {
    return {};
  }
}

/// What `config.json` says of a connector that pools a video's frames and ends lines, as LLaVA-NeXT
/// spells it.
struct PoolingFields {
  std::string mode, newline_position;
  std::int64_t stride = 1;
};

template <Connector K>
std::optional<PoolingFields> pooling_fields() {
  if constexpr (requires { K::config.newline; }) {
    return PoolingFields{.mode = std::string(name_of(K::config.mode)),
                         .newline_position = std::string(name_of(K::config.newline)),
                         .stride = K::config.factor};
  } else {
    return std::nullopt;
  }
}

/// What `config.json` says of a network.
struct NetworkFields {
  LlmFacts llm;
  EncoderFacts encoder;
  std::string projector;
  DroppingFields dropping{};
  std::optional<PoolingFields> pooling{};
};

template <class Network>
NetworkFields network_fields() {
  return {.llm = Network::Llm::facts,
          .encoder = encoder_facts<typename Network::Encoder>(),
          .projector = std::string(Network::Connector::upstream_name()),
          .dropping = dropping_fields<typename Network::Llm>(),
          .pooling = pooling_fields<typename Network::Connector>()};
}

/// What an LLM is, as `transformers` names it.
nlohmann::json llm_fields(LlmFacts const& llm);

/// How positions are stretched, as every version of `transformers` reads it.
nlohmann::json rope_scaling(kernels::RotaryScaling const& scaling);

nlohmann::json to_json(NetworkFields const& network);

/// What `config.json` says of the stage that a model comes from.
struct StageFields {
  TrainedParts trained;
  bool close_init;
};

template <Stage S>
constexpr StageFields stage_fields() {
  return {.trained = S::trained, .close_init = std::is_base_of_v<VisualPretraining, S>};
}

/// The `config.json` that a training ends with: what upstream's code needs to build the model
/// again, over what the base model's own `config.json` said.
/// \param run the hyper-parameters of the run  \param base may be null
nlohmann::json config_of(NetworkFields const& network, StageFields const& stage,
                         Hyperparameters const& run, nlohmann::json const& base);

}  // namespace vcflash::checkpoint

#ifndef VCFLASH_SEPARATE
#include <vcflash/checkpoint/config_json.ipp>
#endif
