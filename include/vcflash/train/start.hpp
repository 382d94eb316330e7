#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/checkpoint/config_json.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/meta/error.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/initialise.hpp>
#include <vcflash/tensor/placement.hpp>
#include <vcflash/train/config.hpp>

/// What a training starts from.
namespace vcflash::train {

/// The folders and files that a training is given.
struct RunFiles {
  std::filesystem::path out;                         ///< where everything goes
  std::optional<std::filesystem::path> init{};       ///< a model's folder, or what stage 1 left
  std::optional<std::filesystem::path> connector{};  ///< stage 1's `mm_projector.bin`
  std::optional<std::filesystem::path> encoder{};    ///< upstream's raw encoder (`.pt`)
  bool resume = true;                                ///< take up what an earlier run left in `out`
};

/// Where the weights are, looked up but not read.
struct Start {
  std::optional<std::filesystem::path> weights{};  ///< a model's folder; none: drawn from the seed
  std::optional<std::filesystem::path> connector{}, encoder{};
  nlohmann::json config{};             ///< of the base model; null if there is none
  nlohmann::json generation_config{};  ///< the same

  /// What `config.json` calls the base model.
  std::string name() const {
    return weights ? std::filesystem::absolute(*weights).lexically_normal().string() : "";
  }
};

namespace detail {

/// The folder of the base model that stage 1 started from, as it noted: the same path, or the
/// folder of that name beside stage 1's, if both were moved.
inline std::filesystem::path base_of_stage1(std::filesystem::path const& stage1) {
  auto const config = checkpoint::read_json(stage1 / "config.json");
  auto const noted = config.find("_name_or_path");
  std::filesystem::path const base =
      noted != config.end() && noted->is_string() ? noted->get<std::string>() : std::string();
  if (!base.empty() && checkpoint::has_weights(base)) return base;
  auto const beside = std::filesystem::absolute(stage1).lexically_normal() / ".." / base.filename();
  if (!base.empty() && checkpoint::has_weights(beside)) return beside.lexically_normal();
  throw InputError(
      fmt::format("{}: holds a connector only, and the model that it was trained in "
                  "({}) is not there; give --init MODEL --connector {}.",
                  stage1.string(), base.empty() ? "random weights" : base.string(),
                  (stage1 / "mm_projector.bin").string()));
}

}  // namespace detail

/// Finds what a training is to start from. `init` may be a model's folder, or the output of
/// stage 1: then the connector is taken from there and the rest from the model that stage 1 started
/// from, which its `config.json` names.
/// \throws InputError if there is no such thing
inline Start start_of(RunFiles const& files) {
  Start start{.weights = files.init, .connector = files.connector, .encoder = files.encoder};
  if (!files.init) return start;
  auto const connector = *files.init / "mm_projector.bin";
  if (!checkpoint::has_weights(*files.init) && std::filesystem::exists(connector)) {
    start.weights = detail::base_of_stage1(*files.init);
    if (!start.connector) start.connector = connector;
  }
  auto const read = [&](char const* name) {
    auto const path = *start.weights / name;
    return std::filesystem::exists(path) ? checkpoint::read_json(path) : nlohmann::json();
  };
  start.config = read("config.json");
  start.generation_config = read("generation_config.json");
  return start;
}

/// Gives a network its weights: those of a folder, or drawn from the run's seed, a connector or
/// encoder of their own over them.
/// \throws InputError if they do not fit the network
template <RecipeLike R>
void load_weights(typename R::Network& network, Start const& start, RunConfig const& run) {
  constexpr TrainedParts trained = R::Stage::trained;
  if (!start.weights) {
    initialise_model<R>(network, run.recipe.seed);
    convert_to(network, run.dtype);
    if (start.connector) {
      checkpoint::load_connector(network, *start.connector, run.dtype);
    }
    if (start.encoder) checkpoint::load_encoder(network, *start.encoder, run.dtype);
    return;
  }
  if (start.config.is_object()) {
    checkpoint::require_config_of<typename R::Network>(start.config,
                                                       *start.weights / "config.json");
  }
  // A stock LLM has no connector yet; the stage that begins one may draw it.
  constexpr bool begins_connector = trained.connector && !trained.encoder && !trained.llm;
  if constexpr (begins_connector) {
    initialise(network.connector, R::initial.connector, run.recipe.seed + 1);
    convert_to(network.connector, run.dtype);
  }
  checkpoint::load_model(network,
                         {.folder = *start.weights,
                          .connector = start.connector,
                          .encoder = start.encoder,
                          .fresh_connector = begins_connector},
                         run.dtype);
}

}  // namespace vcflash::train
