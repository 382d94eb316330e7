#pragma once

#include <vcflash/connectors/projection.hpp>
#include <vcflash/layers/linear.hpp>

#include <array>
#include <cstdint>
#include <string>

namespace vcflash {

/// One linear map of every patch, as the first LLaVA has it. Upstream: `linear`.
template <ProjectionConfig C>
struct LinearConnector : PatchwiseConnector<C> {
  using Projection = Linear<C.input, C.output>;
  BOOST_HANA_DEFINE_STRUCT(LinearConnector, (Projection, map));
  static constexpr std::array key_prefixes{""};

  static std::string upstream_name() { return "linear"; }

  /// \param features [clips, view.tokens(), input]
  /// \return [clips, view.tokens(), output]
  Tensor operator()(Tensor const& features, View const&) const { return map(features); }
};

/// `LinearConnector` between any neighbours (`Linear` is the layer).
struct LinearProjector {
  template <class Encoder, class Llm>
  using Between = LinearConnector<between<Encoder, Llm>("LinearProjector")>;
};

static_assert(Connector<LinearConnector<ProjectionConfig{}>>);
static_assert(parameter_count<LinearConnector<ProjectionConfig{}>> == 3'673'600);

}  // namespace vcflash
