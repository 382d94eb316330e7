#pragma once

#include <cstdint>
#include <vector>

namespace vcflash::test {

struct Colour {
  std::uint8_t red, green, blue;
};

/// A GIF of 4 x 4 pixels that are in turn one colour and another.
/// \param transparent place in the palette, or -1
inline std::vector<std::uint8_t> make_gif(Colour first, Colour second, int transparent,
                                          int pictures) {
  std::vector<std::uint8_t> gif{'G', 'I', 'F', '8', '9', 'a', 4, 0, 4, 0, 0x80, 0, 0};
  for (auto const [red, green, blue] : {first, second}) gif.insert(gif.end(), {red, green, blue});
  for (int p = 0; p < pictures; ++p) {
    auto const flags = std::uint8_t(0x08 | (transparent >= 0 ? 1 : 0));  // the next one starts anew
    auto const index = std::uint8_t(transparent >= 0 ? transparent : 0);
    gif.insert(gif.end(), {0x21, 0xF9, 4, flags, 10, 0, index, 0});
    gif.insert(gif.end(), {0x2C, 0, 0, 0, 0, 4, 0, 4, 0, 0, 2});
    // codes of three bits; a clear (4) before every two pixels keeps them so; 5 ends the picture
    std::vector<std::uint8_t> bytes;
    int bits = 0, pending = 0;
    auto const put = [&](int code) {
      pending |= code << bits;
      for (bits += 3; bits >= 8; bits -= 8, pending >>= 8) bytes.push_back(std::uint8_t(pending));
    };
    for (int pixel = 0; pixel < 16; ++pixel) {
      if (pixel % 2 == 0) put(4);
      put(pixel % 2);
    }
    put(5);
    if (bits > 0) bytes.push_back(std::uint8_t(pending));
    gif.push_back(std::uint8_t(bytes.size()));
    gif.insert(gif.end(), bytes.begin(), bytes.end());
    gif.push_back(0);
  }
  gif.push_back(0x3B);
  return gif;
}

}  // namespace vcflash::test
