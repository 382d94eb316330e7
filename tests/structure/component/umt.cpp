#include <vcflash/encoders/umt.hpp>

using Encoder = vcflash::Umt<vcflash::Res448>;

vcflash::Tensor features_of_a_clip(Encoder const& encoder, vcflash::Tensor const& pixels) {
  return encoder(pixels, Encoder::clip);
}

int main() { return vcflash::parameter_count<Encoder> > 0 ? 0 : 1; }
