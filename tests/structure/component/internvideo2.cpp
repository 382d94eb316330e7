#include <vcflash/encoders/internvideo2.hpp>

vcflash::Tensor features_of_a_clip(vcflash::InternVideo2_1B const& encoder,
                                   vcflash::Tensor const& pixels) {
  return encoder(pixels, encoder.clip);
}

int main() { return vcflash::parameter_count<vcflash::InternVideo2_1B> > 0 ? 0 : 1; }
