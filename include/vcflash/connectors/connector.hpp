#pragma once

#include <vcflash/layers/view.hpp>
#include <vcflash/meta/reflect.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/meta/type_name.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <concepts>
#include <cstdint>
#include <string>

namespace vcflash {

/// Turns patch features into tokens as wide as an LLM's embeddings.
/// Promises: `connector(features, view)` takes [clips, view.tokens(), input_width] and gives
/// [clips, tokens(view), output_width], `tokens(view)` being known to the compiler; `grid(view)` is
/// how an image's tokens lie beside each other, by which those of several tiles become one raster;
/// `upstream_name()` is what upstream's config.json calls it.
template <class K>
concept Connector = Reflected<K> &&
    requires(K const& connector, Tensor const& features, View const& view) {
  { K::name } -> std::convertible_to<std::string_view>;
  { K::input_width } -> std::convertible_to<std::int64_t>;
  { K::output_width } -> std::convertible_to<std::int64_t>;
  { K::tokens(view) } -> std::same_as<std::int64_t>;
  { K::grid(view) } -> std::same_as<TokenGrid>;
  { connector(features, view) } -> std::same_as<Tensor>;
  { K::upstream_name() } -> std::convertible_to<std::string>;
};

/// What a type lacks that is to be a connector, in a sentence for the compiler to say.
template <class K>
consteval Sentence why_no_connector() {
  auto const lacks = [](std::string_view what) {
    return Sentence{} << component_name<K>()
                      << " is no Connector (connectors/connector.hpp): it lacks " << what;
  };
  if constexpr (!Reflected<K>) {
    return lacks("BOOST_HANA_DEFINE_STRUCT, or, if it fits itself between its neighbours, these");
  } else if constexpr (!requires { std::int64_t{K::input_width}, std::int64_t{K::output_width}; }) {
    return lacks("input_width or output_width");
  } else if constexpr (!requires { K::tokens(View{}); }) {
    return lacks("tokens(view)");
  } else if constexpr (!requires { TokenGrid(K::grid(View{})); }) {
    return lacks("grid(view), how an image's tokens lie");
  } else if constexpr (!requires(K const& connector, Tensor const& t) { connector(t, View{}); }) {
    return lacks("operator()(features, view)");
  } else {
    return lacks("a name, upstream_name(), or a Tensor as its result");
  }
}

/// A connector with learned tokens of a medium's own, beside those of its clips or tiles.
/// Promises: `ended_video(tokens)` takes [tokens, output_width] of all of a video's clips,
/// `ended_image(whole, raster)` the tokens of a whole image and [rows, columns, output_width] of
/// its tiles, undefined if it has none; either gives [tokens, output_width], what was there in the
/// same order.
template <class K>
concept EndsMedia = Connector<K> && requires(K const& connector, Tensor const& tokens) {
  { connector.ended_video(tokens) } -> std::same_as<Tensor>;
  { connector.ended_image(tokens, tokens) } -> std::same_as<Tensor>;
};

/// What a connector's keys begin with in a whole model: `model_prefix`, if it says one because some
/// of them stand beside upstream's `mm_projector`.
template <Connector K>
constexpr char const* connector_prefix() {
  if constexpr (requires { K::model_prefix; }) return K::model_prefix;
  return "model.mm_projector.";
}

/// A connector written without its widths, as `ToMe16` in a recipe: it fits itself between an
/// encoder and an LLM.
template <class K, class Encoder, class Llm>
concept FitsItself = requires {
  typename K::template Between<Encoder, Llm>;
};

namespace detail {
template <class K, class Encoder, class Llm>
struct Fitted {
  using type = K;
};
template <class K, class Encoder, class Llm>
requires FitsItself<K, Encoder, Llm>
struct Fitted<K, Encoder, Llm> {
  using type = typename K::template Between<Encoder, Llm>;
};
}  // namespace detail

/// The connector between an encoder and an LLM that `K` stands for.
template <class K, class Encoder, class Llm>
using Fitted = typename detail::Fitted<K, Encoder, Llm>::type;

}  // namespace vcflash
