#pragma once

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
/// tokens than the first, which sees them all.
template <std::int64_t Layers>
class KeyValueCache {
 public:
  /// Tokens that a layer holds.
  std::int64_t tokens(std::int64_t layer = 0) const { return part(layer).tokens; }

  /// What a layer holds, as views. It must hold something.
  /// \return keys and values, [batch, kv_heads, tokens, head_dim] each
  std::pair<Tensor, Tensor> of(std::int64_t layer) const {
    auto const& [keys, values, tokens, before] = part(layer);
    return {keys.narrow(2, 0, tokens), values.narrow(2, 0, tokens)};
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
  std::pair<Tensor, Tensor> append(std::int64_t layer, Tensor const& key, Tensor const& value) {
    auto& [keys, values, tokens, before] = part(layer);
    std::int64_t const added = key.size(2);
    grow(keys, key, tokens, tokens + added);
    grow(values, value, tokens, tokens + added);
    keys.narrow(2, tokens, added).copy_(key);
    values.narrow(2, tokens, added).copy_(value);
    tokens += added;
    if (layer == 0) added_ = added;
    if (added != added_) whole_from_ = layers_.front().tokens;
    return of(layer);
  }

  /// Forgets all but the first `tokens` tokens of the sequence; all of them if some layer was not
  /// given a token that follows.
  /// \return how many are left
  std::int64_t truncate(std::int64_t tokens) {
    std::int64_t const forgotten = layers_.front().tokens - tokens;
    if (forgotten <= 0) return layers_.front().tokens;
    bool const all = tokens < whole_from_;
    for (auto& layer : layers_) layer.tokens = all ? 0 : layer.tokens - forgotten;
    if (all) whole_from_ = 0;
    return layers_.front().tokens;
  }

 private:
  struct Layer {
    Tensor keys, values;
    std::int64_t tokens = 0;
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
  std::int64_t added_ = 0;       ///< tokens that the first layer was given last
  std::int64_t whole_from_ = 0;  ///< tokens of the sequence after which every layer has every token
};

}  // namespace vcflash
