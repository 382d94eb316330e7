#include <vcflash/connectors/tome.hpp>

using Connector = vcflash::ToMe16To<3584>;

vcflash::Tensor tokens_of_a_clip(Connector const& connector, vcflash::Tensor const& features) {
  return connector(features, 4);
}

int main() { return vcflash::parameter_count<Connector> > 0 ? 0 : 1; }
