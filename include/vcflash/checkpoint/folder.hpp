#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/checkpoint/json_file.hpp>
#include <vcflash/checkpoint/shards.hpp>
#include <vcflash/meta/key_alias.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/parameter_list.hpp>
#include <vcflash/tensor/tensor.hpp>

/// Models in Hugging Face's layout: a folder with config.json and model.safetensors, or its shards
/// and their index. Every key is accounted for.
namespace vcflash::checkpoint {

using TensorMap = std::map<std::string, Tensor>;

/// The tensors of one safetensors file by name, as views of the mapped file.
/// \throws InputError if the file is missing or not sound
TensorMap read_tensors(std::filesystem::path const& file);

/// Writes one safetensors file, as a whole or not at all.
void write_tensors(std::filesystem::path const& file, NamedTensors const& tensors);

/// Whether a folder holds a model's weights.
bool has_weights(std::filesystem::path const& folder);

/// All tensors of a folder by name, as views of the mapped files. With an index, the tensors are
/// those that it names, wherever it says they are.
/// \throws InputError if the folder has no weights or they are not as the index says
TensorMap read_weights(std::filesystem::path const& folder);

/// Patterns of keys that a checkpoint need not have: `*` stands for any letters, `?` for one.
using KeyPatterns = std::vector<std::string>;

/// How a model's keys and a checkpoint's compare.
struct KeyReport {
  std::vector<std::string> missing, unexpected, misshapen;
  std::vector<std::string> not_finite;  ///< hold NaN or infinity

  bool complete() const {
    return missing.empty() && unexpected.empty() && misshapen.empty() && not_finite.empty();
  }

  /// Takes out of the missing keys those that may be missing.  \return these
  std::vector<std::string> excuse(KeyPatterns const& allowed);

  /// \throws InputError listing every kind of difference by name, if there is any
  void require_complete(std::string_view where) const;
};

inline constexpr std::int64_t read_at_once = 1 << 20;

/// What parameters are, once loaded.
enum class Storage {
  own,    ///< copies: results do not depend on where a file puts its bytes, nor on the file itself
  mapped  ///< the file's own bytes, read when they are used; copies where its dtype is another
};

/// Gives every parameter that `tensors` holds its tensor. Whether all its numbers are finite is
/// looked at where they are read anyway: in copies, and in mapped tensors of up to `read_at_once`
/// elements (norms, biases, small models), but not in the gigabytes of a mapped model that starts
/// at once. What stands beside the network (an adapter) may be missing and is left alone.
/// \param dtype what the parameters become; the file's dtypes do not matter
/// \return with the keys of `tensors` that no parameter has as unexpected
KeyReport load_parameters(std::vector<ParameterRef> const& parameters, TensorMap const& tensors,
                          at::ScalarType dtype, Storage storage = Storage::own);

/// The three parts of a network, each with the keys of the whole.
struct NetworkParameters {
  std::vector<ParameterRef> encoder, connector, llm;
  bool tied = false;       ///< the LLM's output layer is its embedding table
  KeySpelling spelling{};  ///< how else files spell the keys
};

template <class Network>
NetworkParameters parameters_of_parts(Network& network) {
  auto const& prefixes = Network::key_prefixes;
  KeySpelling spelling(key_aliases_of<Network>());
  spelling.add_part(prefixes[0], key_aliases_of<typename Network::Encoder>());
  spelling.add_part(prefixes[1], key_aliases_of<typename Network::Connector>());
  spelling.add_part(prefixes[2], key_aliases_of<typename Network::Llm>());
  return {.encoder = parameters_of(network.encoder, prefixes[0]),
          .connector = parameters_of(network.connector, prefixes[1]),
          .llm = parameters_of(network.llm, prefixes[2]),
          .tied = Network::Llm::facts.tied,
          .spelling = std::move(spelling)};
}

/// All of them, in the order that the parts stand in.
inline std::vector<ParameterRef> all_of(NetworkParameters const& network) {
  auto all = network.encoder;
  all.insert(all.end(), network.connector.begin(), network.connector.end());
  all.insert(all.end(), network.llm.begin(), network.llm.end());
  return all;
}

/// Upstream's `mm_projector.bin`: keys that contain `mm_projector.` are the connector's, whatever
/// stands before, and so is one that ends with `image_newline`; others are ignored, as upstream
/// does.
TensorMap read_connector_file(std::filesystem::path const& path);

/// An encoder as it was released: upstream's raw file (`UMT-L_f4_vision.pt`), a safetensors file,
/// or a folder of `transformers`'. What the encoder does not have (a layer that is not run,
/// position tables that are computed, a text model beside it) is left out.
/// \param known the keys of the whole model's encoder
/// \param spelling how else its files spell them
TensorMap read_encoder_file(std::filesystem::path const& path, std::set<std::string> const& known,
                            KeySpelling const& spelling);

/// Gives a network the connector of stage 1's file.
/// \return keys that were missing and may be: their parameters are left alone
std::vector<std::string> load_connector(NetworkParameters const& network,
                                        std::filesystem::path const& path, at::ScalarType dtype,
                                        KeyPatterns const& allow_missing = {});

/// Gives a network an encoder as it was released.
/// \return as `load_connector`
std::vector<std::string> load_encoder(NetworkParameters const& network,
                                      std::filesystem::path const& path, at::ScalarType dtype,
                                      KeyPatterns const& allow_missing = {});

/// Where a model's weights come from.
struct Weights {
  std::filesystem::path folder;                      ///< the LLM at least
  std::optional<std::filesystem::path> connector{};  ///< `mm_projector.bin`, instead of its own
  std::optional<std::filesystem::path> encoder{};    ///< as released, instead of its own
  bool fresh_connector = false;    ///< a folder without a connector leaves the model's own
  Storage storage = Storage::own;  ///< of what the folder holds
  KeyPatterns allow_missing{};
};

/// Loads a model from a folder, key by key, in any spelling that the network knows.
/// \param network a connector that the weights may leave alone keeps its values
/// \return as `load_connector`
/// \throws InputError naming what is missing, unexpected or of another shape
std::vector<std::string> load_model(NetworkParameters const& network, Weights const& weights,
                                    at::ScalarType dtype);

/// What is said of keys that `load_model` left alone.
std::string left_alone(std::string_view where, std::vector<std::string> const& keys);

/// Writes weights to `folder` as `transformers` would: in one file, or in several and an index if
/// they are more than `limit` bytes.
void save_weights(NamedTensors const& weights, std::filesystem::path const& folder,
                  std::uint64_t limit = shard_limit);

/// Writes the weights of a connector, under the keys of the whole model, to `folder` as upstream's
/// stage 1 does.
void save_connector(NamedTensors const& weights, std::filesystem::path const& folder);

}  // namespace vcflash::checkpoint

#ifndef VCFLASH_SEPARATE
#include <vcflash/checkpoint/folder.ipp>
#endif
