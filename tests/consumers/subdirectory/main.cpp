#include <vcflash/connectors/tome.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/rand.h>

#include <iostream>

int main() {
  vcflash::ToMe16To<64, 32> connector;
  vcflash::initialize(connector, {}, 1);
  auto const tokens =
      connector(at::rand({2, 4 * 196, 32}), {.frames = 4, .rows = 14, .columns = 14});
  std::cout << "two clips of four frames leave as " << vcflash::to_string(tokens.sizes()) << '\n';
  return tokens.sizes() == at::IntArrayRef{2, 64, 64} ? 0 : 1;
}
