#pragma once

#include <vcflash/connectors/connector.hpp>

#include <cstdint>

/// Connectors that give one token for each patch: upstream builds them, but cannot run them on
/// video.
namespace vcflash {

struct ProjectionConfig {
  Name name;
  std::int64_t input = 1024;   ///< width of the encoder's features
  std::int64_t output = 3584;  ///< width of the LLM's embeddings
};

/// What connectors have in common that neither merge nor drop a patch.
template <ProjectionConfig C>
struct PatchwiseConnector {
  static constexpr ProjectionConfig config = C;
  static constexpr Name name = C.name;
  static constexpr std::int64_t input_width = C.input;
  static constexpr std::int64_t output_width = C.output;

  static constexpr std::int64_t tokens(View const& view) { return view.tokens(); }
  static constexpr TokenGrid grid(View const& view) { return {view.rows, view.columns}; }
};

/// The widths that a patchwise connector gets from its neighbours.
template <class Encoder, class Llm>
constexpr ProjectionConfig between(Name name) {
  return {.name = name, .input = Encoder::width, .output = Llm::hidden};
}

}  // namespace vcflash
