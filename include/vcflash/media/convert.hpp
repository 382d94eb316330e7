#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/media/ffmpeg.hpp>

extern "C" {
#include <libavutil/display.h>
}

namespace vcflash::media {

/// Rows of RGB bytes inside a larger buffer.
struct RgbView {
  std::uint8_t const* data;
  std::size_t stride;  ///< bytes from row to row
  int height, width;
};

/// Decoded pictures to 8-bit RGB: what FFmpeg's scale filter does, which honours the colour matrix
/// and range that the picture is tagged with.
class RgbConverter {
 public:
  /// \param flags SWS_… ; SWS_BICUBIC is the filter's choice
  explicit RgbConverter(int flags = SWS_BICUBIC) : flags_(flags) {}

  /// \return the picture at height x width, valid until the next call
  /// \throws InputError for a pixel format that cannot be converted
  RgbView operator()(AVFrame const& frame, int height, int width) {
    prepare(frame, height, width);
    std::size_t const stride = (std::size_t(width) * 3 + 63) / 64 * 64;
    // libswscale's vector code writes past the end of a row, never of a row and this margin
    buffer_.resize(stride * std::size_t(height) + 64);
    std::uint8_t* const planes[4] = {buffer_.data(), nullptr, nullptr, nullptr};
    int const strides[4] = {int(stride), 0, 0, 0};
    sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides);
    return {buffer_.data(), stride, height, width};
  }

 private:
  struct Kind {
    int in_height, in_width, format, matrix, range, height, width;
    bool operator==(Kind const&) const = default;
  };

  /// An enumeration's number, also where a broken file made it none of its values.
  template <class Enumeration>
  static int number_of(Enumeration const& value) {
    int number;
    static_assert(sizeof number == sizeof value);
    std::memcpy(&number, &value, sizeof number);
    return number;
  }

  void prepare(AVFrame const& frame, int height, int width) {
    Kind const kind{.in_height = frame.height,
                    .in_width = frame.width,
                    .format = frame.format,
                    .matrix = number_of(frame.colorspace),
                    .range = number_of(frame.color_range),
                    .height = height,
                    .width = width};
    if (scaler_ && kind == kind_) return;
    scaler_.reset(sws_getContext(frame.width, frame.height, AVPixelFormat(frame.format), width,
                                 height, AV_PIX_FMT_RGB24, flags_, nullptr, nullptr, nullptr));
    if (!scaler_) fail<InputError>("pictures of this pixel format cannot be converted to RGB");
    int *matrix, *out_matrix, range, out_range, brightness, contrast, saturation;
    if (sws_getColorspaceDetails(scaler_.get(), &matrix, &range, &out_matrix, &out_range,
                                 &brightness, &contrast, &saturation) >= 0) {
      if (kind.range == AVCOL_RANGE_JPEG) range = 1;
      if (kind.matrix != AVCOL_SPC_UNSPECIFIED && kind.matrix != AVCOL_SPC_RGB) {
        matrix = const_cast<int*>(sws_getCoefficients(kind.matrix));
      }
      sws_setColorspaceDetails(scaler_.get(), matrix, range, out_matrix, out_range, brightness,
                               contrast, saturation);
    }
    kind_ = kind;
  }

  int flags_;
  Scaler scaler_;
  Kind kind_{};
  std::vector<std::uint8_t> buffer_;
};

namespace detail {

/// \return the matrix by which a stream asks to be shown, or null
inline std::int32_t const* display_matrix(AVStream const& stream) {
  std::size_t bytes = 0;
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 16, 100)  // FFmpeg 6.1
  AVCodecParameters const& coded = *stream.codecpar;
  AVPacketSideData const* const side = av_packet_side_data_get(
      coded.coded_side_data, coded.nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  std::uint8_t const* const matrix = side == nullptr ? nullptr : side->data;
  if (side != nullptr) bytes = side->size;
#else
  std::uint8_t const* const matrix =
      av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &bytes);
#endif
  if (matrix == nullptr || bytes < 9 * sizeof(std::int32_t)) return nullptr;
  return reinterpret_cast<std::int32_t const*>(matrix);
}

}  // namespace detail

/// How far a stream asks to be turned for display.
/// \return clockwise degrees: 0, 90, 180 or 270; other angles count as 0
inline int rotation_of(AVStream const& stream) {
  std::int32_t const* const matrix = detail::display_matrix(stream);
  if (matrix == nullptr) return 0;
  double const counter = av_display_rotation_get(matrix);
  if (std::isnan(counter)) return 0;
  int const clockwise = ((-int(std::lround(counter)) % 360) + 360) % 360;
  return clockwise % 90 == 0 ? clockwise : 0;
}

/// Turns pictures by quarter turns.
class Turner {
 public:
  explicit Turner(int clockwise_degrees) : degrees_(clockwise_degrees) {}

  /// \return the size after turning, as {height, width}
  std::pair<int, int> turned(int height, int width) const {
    return degrees_ % 180 == 0 ? std::pair{height, width} : std::pair{width, height};
  }

  /// \return the turned picture, valid until the next call; the picture itself for 0 degrees
  RgbView operator()(RgbView const& in) {
    if (degrees_ == 0) return in;
    auto const [height, width] = turned(in.height, in.width);
    buffer_.resize(std::size_t(height) * std::size_t(width) * 3);
    for (int y = 0; y < height; ++y) {
      std::uint8_t* out = buffer_.data() + std::size_t(y) * std::size_t(width) * 3;
      for (int x = 0; x < width; ++x, out += 3) std::copy_n(source(in, y, x), 3, out);
    }
    return {buffer_.data(), std::size_t(width) * 3, height, width};
  }

 private:
  std::uint8_t const* source(RgbView const& in, int y, int x) const {
    int const row = degrees_ == 90 ? in.height - 1 - x : degrees_ == 180 ? in.height - 1 - y : x;
    int const column = degrees_ == 90 ? y : degrees_ == 180 ? in.width - 1 - x : in.width - 1 - y;
    return in.data + std::size_t(row) * in.stride + std::size_t(column) * 3;
  }

  int degrees_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace vcflash::media
