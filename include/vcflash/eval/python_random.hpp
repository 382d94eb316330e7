#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace vcflash::eval {

/// Python's `random` after `random.seed(seed)`: the Mersenne Twister (Matsumoto & Nishimura 1998),
/// seeded by an array of one number.
class PythonRandom {
 public:
  explicit PythonRandom(std::uint32_t seed) {
    state_[0] = 19650218u;
    for (std::uint32_t i = 1; i < size; ++i) {
      state_[i] = 1812433253u * (state_[i - 1] ^ state_[i - 1] >> 30) + i;
    }
    std::size_t i = 1;
    auto const step = [&](std::uint32_t factor, auto&& change) {
      std::uint32_t const before = state_[i - 1];
      state_[i] = change(state_[i] ^ (before ^ before >> 30) * factor);
      if (++i == size) {
        state_[0] = state_[size - 1];
        i = 1;
      }
    };
    for (std::size_t k = 0; k < size; ++k) {
      step(1664525u, [&](std::uint32_t x) { return x + seed; });
    }
    for (std::size_t k = 0; k + 1 < size; ++k) {
      step(1566083941u, [&](std::uint32_t x) { return x - static_cast<std::uint32_t>(i); });
    }
    state_[0] = 0x80000000u;
  }

  /// Python's `randrange(count)`, as `random.choice` of `count` things takes it.
  /// \param count 1 to 2^31
  std::uint32_t below(std::uint32_t count) {
    int bits = 0;
    while (count >> bits != 0) ++bits;
    while (true) {
      std::uint32_t const drawn = next() >> (32 - bits);
      if (drawn < count) return drawn;
    }
  }

 private:
  static constexpr std::size_t size = 624, shift = 397;

  std::uint32_t next() {
    if (place_ == size) refill();
    std::uint32_t y = state_[place_++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9D2C5680u;
    y ^= y << 15 & 0xEFC60000u;
    return y ^ y >> 18;
  }

  void refill() {
    for (std::size_t i = 0; i < size; ++i) {
      std::uint32_t const y = (state_[i] & 0x80000000u) | (state_[(i + 1) % size] & 0x7FFFFFFFu);
      state_[i] = state_[(i + shift) % size] ^ y >> 1 ^ ((y & 1u) != 0 ? 0x9908B0DFu : 0u);
    }
    place_ = 0;
  }

  std::array<std::uint32_t, size> state_{};
  std::size_t place_ = size;
};

}  // namespace vcflash::eval
