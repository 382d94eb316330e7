#pragma once

#include <vcflash/connectors/projection.hpp>

#include <cstdint>
#include <string>

namespace vcflash {

/// Every patch as it is: for an encoder as wide as the LLM. Upstream: `identity`.
template <ProjectionConfig C>
struct IdentityConnector : PatchwiseConnector<C> {
  BOOST_HANA_DEFINE_STRUCT(IdentityConnector);
  static constexpr std::int64_t output_width = C.input;

  static std::string upstream_name() { return "identity"; }

  /// \param features [clips, view.tokens(), width]  \return the same
  Tensor operator()(Tensor const& features, View const&) const { return features; }
};

/// `IdentityConnector` between an encoder and an LLM of one width.
struct Identity {
  template <class Encoder, class Llm>
  using Between = IdentityConnector<between<Encoder, Llm>("Identity")>;
};

static_assert(Connector<IdentityConnector<ProjectionConfig{}>>);
static_assert(parameter_count<IdentityConnector<ProjectionConfig{}>> == 0);

}  // namespace vcflash
