#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <vcflash/checkpoint/adapter.hpp>
#include <vcflash/checkpoint/config_check.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/initialize.hpp>
#include <vcflash/tensor/placement.hpp>
#include <vcflash/train/config.hpp>

/// What a training starts from.
namespace vcflash::train {

/// Is told, in a sentence, what goes on all the same.
using Warn = std::function<void(std::string const& sentence)>;

/// The folders and files that a training is given.
struct RunFiles {
  std::filesystem::path out;                         ///< where everything goes
  std::optional<std::filesystem::path> init{};       ///< a model's folder, or what stage 1 left
  std::optional<std::filesystem::path> connector{};  ///< stage 1's `mm_projector.bin`
  std::optional<std::filesystem::path> encoder{};    ///< upstream's raw encoder (`.pt`)
  checkpoint::KeyPatterns allow_missing{};           ///< keys that these need not have
  bool resume = true;                                ///< take up what an earlier run left in `out`
  std::string data{};          ///< what identifies the rows that are learned from; empty: unknown
  bool allow_changes = false;  ///< a run may go on with other rows or another order of them
};

/// Where the weights are, looked up but not read.
struct Start {
  std::optional<std::filesystem::path> weights{};  ///< a model's folder; none: drawn from the seed
  std::optional<std::filesystem::path> connector{}, encoder{};
  checkpoint::KeyPatterns allow_missing{};
  std::optional<std::filesystem::path> adapter{};  ///< added to these weights

  /// What `config.json` calls the base model.
  std::string name() const;
};

/// Finds what a training is to start from. `init` may be a model's folder, or the output of
/// stage 1: then the connector is taken from there and the rest from the model that stage 1 started
/// from, which its `config.json` names. It may be an adapter's folder, too: then the rest is the
/// model that was adapted.
/// \throws InputError if there is no such thing
Start start_of(RunFiles const& files);

/// Gives a network its weights: those of a folder, or drawn from the run's seed, a connector or
/// encoder of their own over them.
/// \param warn is told what was missing and is drawn instead
/// \throws InputError if they do not fit the network
template <RecipeLike R>
void load_weights(typename R::Network& network, Start const& start, RunConfig const& run,
                  Warn const& warn = {}) {
  auto const tell = [&](std::filesystem::path const& where, std::vector<std::string> const& left) {
    if (!left.empty() && warn) warn(checkpoint::left_alone(where.string(), left));
  };
  auto const parts = checkpoint::parameters_of_parts(network);
  if (!start.weights) {
    initialize_model<R>(network, run.recipe.seed);
    convert_to(network, run.dtype);
    if (start.connector) {
      tell(*start.connector,
           checkpoint::load_connector(parts, *start.connector, run.dtype, start.allow_missing));
    }
    if (start.encoder) {
      tell(*start.encoder,
           checkpoint::load_encoder(parts, *start.encoder, run.dtype, start.allow_missing));
    }
  } else {
    constexpr TrainedParts trained = R::Stage::trained;
    if (auto const config = *start.weights / "config.json"; std::filesystem::exists(config)) {
      checkpoint::require_llm_config(R::Llm::facts, checkpoint::read_json(config), config);
    }
    // A stock LLM has no connector yet; the stage that begins one may draw it.
    constexpr bool begins_connector = trained.connector && !trained.encoder && !trained.llm;
    if constexpr (begins_connector) {
      initialize(network.connector, R::initial.connector, run.recipe.seed + 1);
      convert_to(network.connector, run.dtype);
    }
    tell(*start.weights, checkpoint::load_model(parts,
                                                {.folder = *start.weights,
                                                 .connector = start.connector,
                                                 .encoder = start.encoder,
                                                 .fresh_connector = begins_connector,
                                                 .allow_missing = start.allow_missing},
                                                run.dtype));
  }
  if (start.adapter) {
    auto const adapter = checkpoint::read_adapter(*start.adapter);
    if constexpr (leaves_adapter<R>) {
      // Another rank shows in shapes; another alpha would change the numbers without a word.
      if (double const wanted = adapter_of<R>().scaling(); adapter.config.scaling() != wanted) {
        fail<InputError>(start.adapter->string(), ": the adapter's products are scaled by ",
                         adapter.config.scaling(), ", those of ", type_name<R>(), " by ", wanted);
      }
    }
    checkpoint::apply_adapter(checkpoint::all_of(parts), adapter, run.dtype,
                              start.adapter->string());
  }
  initialize_rest<R>(network, run.recipe.seed, run.dtype);
}

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/start.ipp>
#endif
