#pragma once

#include <vcflash/base/error.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace vcflash {

/// Keys and values of the tokens that a decoder has seen, one pair of buffers a layer. Full buffers
/// grow by a part of what they hold, so that a token costs few copies. Later layers may hold fewer
/// tokens than the first, which sees them all: who drops tokens between two layers says so.
///
/// It can be moved but not copied, since a copy would share the room behind the tokens and write
/// into it, too: `repeated` (layers/stacked_cache.hpp) makes caches of more sequences.
template <std::int64_t Layers>
class KeyValueCache {
 public:
  KeyValueCache() = default;
  KeyValueCache(KeyValueCache const&) = delete;
  KeyValueCache& operator=(KeyValueCache const&) = delete;
  KeyValueCache(KeyValueCache&&) = default;
  KeyValueCache& operator=(KeyValueCache&&) = default;

  /// Tokens that a layer holds.
  std::int64_t tokens(std::int64_t layer = 0) const { return part(layer).tokens; }

  /// What a layer holds, as views. It must hold something.
  /// \return keys and values, [batch, kv_heads, tokens, head_dim] each
  std::pair<Tensor, Tensor> of(std::int64_t layer) const {
    Layer const& held = part(layer);
    return {held.keys.narrow(2, 0, held.tokens), held.values.narrow(2, 0, held.tokens)};
  }

  /// Makes the buffers that are to come large enough for so many tokens, and no larger.
  void reserve(std::int64_t tokens) { room_ = tokens; }

  /// Says how many tokens of each sequence are padding: in every layer the first of its last `own`
  /// tokens, or, if that is 0, of those that are appended next.
  /// \param tokens one number a sequence; none: there is no padding
  void pad_left(std::vector<std::int64_t> tokens, std::int64_t own = 0) {
    padding_ = std::move(tokens);
    for (auto& layer : layers_) layer.before_padding = layer.tokens - own;
  }
  std::vector<std::int64_t> const& padding() const { return padding_; }
  /// Tokens of a layer that stand before the padding, alike in number in all sequences.
  std::int64_t before_padding(std::int64_t layer) const { return part(layer).before_padding; }

  /// Appends to one layer and gives all it holds, as views. The first layer comes first.
  /// \param key, value [batch, kv_heads, new tokens, head_dim]
  /// \throws Error if the layer holds another number of sequences
  std::pair<Tensor, Tensor> append(std::int64_t layer, Tensor const& key, Tensor const& value) {
    Layer& held = part(layer);
    if (held.tokens > 0 && held.keys.size(0) != key.size(0)) {
      fail("a cache of ", held.keys.size(0), " sequences was given tokens of ", key.size(0));
    }
    std::int64_t const added = key.size(2);
    grow(held.keys, key, held.tokens, held.tokens + added);
    grow(held.values, value, held.tokens, held.tokens + added);
    held.keys.narrow(2, held.tokens, added).copy_(key);
    held.values.narrow(2, held.tokens, added).copy_(value);
    held.tokens += added;
    return of(layer);
  }

  /// Says that of all tokens so far `count` go no further than to the layer before `layer`.
  void drop(std::int64_t layer, std::int64_t count) {
    if (count == 0) return;
    for (std::int64_t i = layer; i < Layers; ++i) part(i).dropped += count;
    whole_from_ = layers_.front().tokens;
  }

  /// For a cache that was filled from another one: what was dropped there was dropped here.
  void remember_drops_of(KeyValueCache const& other) {
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i].dropped = other.layers_[i].dropped;
    whole_from_ = other.whole_from_;
  }

  /// Forgets all but the first `tokens` tokens of the sequence; all of them if some layer was not
  /// given a token that follows.
  /// \return how many are left
  std::int64_t truncate(std::int64_t tokens) {
    if (layers_.front().tokens <= tokens) return layers_.front().tokens;
    if (tokens < whole_from_) tokens = 0;
    for (auto& layer : layers_) {
      if (tokens == 0) layer.dropped = 0;
      // A pass that ended in an error has reached some layers and not the others.
      layer.tokens = std::min(layer.tokens, tokens - layer.dropped);
    }
    if (tokens == 0) {
      whole_from_ = 0;
      pad_left({});
    }
    return tokens;
  }

 private:
  struct Layer {
    Tensor keys, values;
    std::int64_t tokens = 0;
    std::int64_t dropped = 0;  ///< tokens of the sequence that did not come this far
    std::int64_t before_padding = 0;
  };

  Layer& part(std::int64_t layer) { return layers_[static_cast<std::size_t>(layer)]; }
  Layer const& part(std::int64_t layer) const { return layers_[static_cast<std::size_t>(layer)]; }

  void grow(Tensor& buffer, Tensor const& like, std::int64_t held, std::int64_t total) const {
    if (buffer.defined() && buffer.size(2) >= total) return;
    constexpr std::int64_t least = 256;
    std::int64_t const capacity = total <= room_ ? room_ : total + std::max(least, total / 4);
    Tensor const larger =
        aten::empty({like.size(0), like.size(1), capacity, like.size(3)}, like.options());
    if (held > 0) larger.narrow(2, 0, held).copy_(buffer.narrow(2, 0, held));
    buffer = larger;
  }

  std::array<Layer, static_cast<std::size_t>(Layers)> layers_;
  std::vector<std::int64_t> padding_;
  std::int64_t room_ = 0;        ///< tokens that a new buffer has room for, if they are enough
  std::int64_t whole_from_ = 0;  ///< tokens of the sequence after which every layer has every token
};

}  // namespace vcflash
