#pragma once

#include <vcflash/connectors/projection.hpp>
#include <vcflash/layers/mlp.hpp>

#include <array>
#include <cstdint>
#include <string>

namespace vcflash {

/// Linear, GELU, Linear on every patch, as LLaVA 1.5 has it. Upstream: `mlp2x_gelu`.
template <ProjectionConfig C>
struct MlpConnector : PatchwiseConnector<C> {
  using Projection = GeluProjector<C.input, C.output>;
  BOOST_HANA_DEFINE_STRUCT(MlpConnector, (Projection, layers));
  static constexpr std::array key_prefixes{""};

  static std::string upstream_name() { return "mlp2x_gelu"; }

  /// \param features [clips, view.tokens(), input]
  /// \return [clips, view.tokens(), output]
  Tensor operator()(Tensor const& features, View const&) const { return layers(features); }
};

/// `MlpConnector` between any neighbours.
struct Mlp2xGelu {
  template <class Encoder, class Llm>
  using Between = MlpConnector<between<Encoder, Llm>("Mlp2xGelu")>;
};

using Mlp2xGeluOfUmtL = MlpConnector<ProjectionConfig{.name = "Mlp2xGelu"}>;
static_assert(Connector<Mlp2xGeluOfUmtL>);
static_assert(parameter_count<Mlp2xGeluOfUmtL> == 16'522'240);

}  // namespace vcflash
