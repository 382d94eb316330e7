#pragma once

#include <vcflash/connectors/projection.hpp>
#include <vcflash/layers/mlp.hpp>
#include <vcflash/meta/key_alias.hpp>

#include <array>
#include <cstdint>
#include <string>

namespace vcflash {

/// An MLP on every patch, as LLaVA 1.5 has it: Linear, then GELU and Linear `Depth - 1` times, then
/// `Blocks` residual blocks. Upstream: `mlpNx_gelu`, `mlpNx_resMx_gelu`.
template <ProjectionConfig C, std::int64_t Depth = 2, std::int64_t Blocks = 0>
struct MlpConnector : PatchwiseConnector<C> {
  using Projection = GeluProjector<C.input, C.output, Depth, Blocks>;
  BOOST_HANA_DEFINE_STRUCT(MlpConnector, (Projection, layers));
  static constexpr std::array key_prefixes{""};
  /// As transformers has them.
  static constexpr std::array key_aliases{KeyAlias{"linear_1.", "0."}, KeyAlias{"linear_2.", "2."}};

  static std::string upstream_name() {
    return "mlp" + std::to_string(Depth) + "x_" +
           (Blocks > 0 ? "res" + std::to_string(Blocks) + "x_" : std::string()) + "gelu";
  }

  /// \param features [clips, view.tokens(), input]
  /// \return [clips, view.tokens(), output]
  Tensor operator()(Tensor const& features, View const&) const { return layers(features); }
};

/// `MlpConnector` between any neighbours.
template <std::int64_t Depth, std::int64_t Blocks, Name name>
struct MlpKind {
  template <class Encoder, class Llm>
  using Between = MlpConnector<between<Encoder, Llm>(name), Depth, Blocks>;
};

using Mlp2xGelu = MlpKind<2, 0, "Mlp2xGelu">;
/// `Mlp2xResGelu<2>` is upstream's `mlp2x_res2x_gelu`.
template <std::int64_t Blocks>
using Mlp2xResGelu = MlpKind<2, Blocks, "Mlp2xResGelu">;

using Mlp2xGeluOfUmtL = MlpConnector<ProjectionConfig{.name = "Mlp2xGelu"}>;
static_assert(Connector<Mlp2xGeluOfUmtL>);
static_assert(parameter_count<Mlp2xGeluOfUmtL> == 16'522'240);
static_assert(parameter_count<MlpConnector<ProjectionConfig{.name = "Mlp2xResGelu"}, 2, 1>> ==
              16'522'240 + 25'704'448);

}  // namespace vcflash
