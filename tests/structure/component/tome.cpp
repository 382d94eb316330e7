#include <vcflash/connectors/tome.hpp>

using Connector = vcflash::ToMe16To<3584>;

vcflash::Tensor tokens_of_a_clip(Connector const& connector, vcflash::Tensor const& features) {
  return connector(features, {.frames = 4, .rows = 14, .columns = 14});
}

int main() { return vcflash::parameter_count<Connector> > 0 ? 0 : 1; }
