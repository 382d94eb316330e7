#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <vcflash/base/error.hpp>
#include <vcflash/media/frames.hpp>

namespace vcflash::media {

/// Pixel statistics of red, green and blue, in units of 0 to 1.
struct PixelStatistics {
  std::array<float, 3> mean, std;
};

/// What UMT-L and InternVideo2 were trained with (ImageNet's).
inline constexpr PixelStatistics imagenet_statistics{{0.485F, 0.456F, 0.406F},
                                                     {0.229F, 0.224F, 0.225F}};

/// (byte / 255 - mean) / std for each byte of each channel, computed once: normalizing is then
/// one look-up a value, and bit for bit what the reference computes in fp32.
class NormalizeTable {
 public:
  /// \throws InputError if a deviation is zero
  explicit NormalizeTable(PixelStatistics const& statistics) {
    for (std::size_t c = 0; c < 3; ++c) {
      if (statistics.std[c] == 0.0F) {
        fail<InputError>("the deviation of pixel channel ", c, " is 0; it must not be");
      }
      for (std::size_t byte = 0; byte < 256; ++byte) {
        float const unit = static_cast<float>(static_cast<double>(byte) * (1.0 / 255.0));
        values_[c][byte] = (unit - statistics.mean[c]) / statistics.std[c];
      }
    }
  }

  float operator()(std::size_t channel, std::uint8_t byte) const { return values_[channel][byte]; }

  /// One picture.
  /// \param hwc [height, width, 3] bytes  \param chw [3, height, width]
  void operator()(std::span<std::uint8_t const> hwc, std::span<float> chw) const {
    if (hwc.size() != chw.size() || hwc.size() % 3 != 0) {
      fail<Error>("normalizing ", hwc.size(), " bytes into ", chw.size(), " numbers");
    }
    std::size_t const pixels = hwc.size() / 3;
    float* const red = chw.data();
    float* const green = red + pixels;
    float* const blue = green + pixels;
    for (std::size_t p = 0; p < pixels; ++p) {
      red[p] = values_[0][hwc[p * 3]];
      green[p] = values_[1][hwc[p * 3 + 1]];
      blue[p] = values_[2][hwc[p * 3 + 2]];
    }
  }

  /// Every frame of a clip.
  /// \param fchw [count, 3, height, width]
  void operator()(Frames const& frames, std::span<float> fchw) const {
    if (fchw.size() != frames.rgb.size()) {
      fail<Error>("normalizing ", frames.rgb.size(), " bytes into ", fchw.size(), " numbers");
    }
    for (int i = 0; i < frames.count; ++i) {
      (*this)(frames.frame(i),
              fchw.subspan(std::size_t(i) * frames.frame_bytes(), frames.frame_bytes()));
    }
  }

 private:
  std::array<std::array<float, 256>, 3> values_;
};

/// One picture by statistics in units of 0 to 1.
/// \param hwc [height, width, 3] bytes  \param chw [3, height, width]
inline void normalize(std::span<std::uint8_t const> hwc, std::array<float, 3> mean,
                      std::array<float, 3> std, std::span<float> chw) {
  NormalizeTable({mean, std})(hwc, chw);
}

}  // namespace vcflash::media
