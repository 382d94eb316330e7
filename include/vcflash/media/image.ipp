#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/media/byte_source.hpp>
#include <vcflash/media/convert.hpp>
#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/media/gif.hpp>
#include <vcflash/media/image.hpp>

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace vcflash::media {

namespace detail {

/// Bytes of a file followed by the zeros that FFmpeg's parsers read past the end.
struct PaddedBytes {
  std::vector<std::uint8_t> bytes;
  std::size_t size;
};

inline PaddedBytes pad(std::vector<std::uint8_t> bytes) {
  std::size_t const size = bytes.size();
  bytes.resize(size + AV_INPUT_BUFFER_PADDING_SIZE, 0);
  return {std::move(bytes), size};
}

inline bool begins(std::span<std::uint8_t const> bytes, std::string_view magic,
                   std::size_t at = 0) {
  return bytes.size() >= at + magic.size() &&
         std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
}

/// \return the codec that a picture file's first bytes name, or AV_CODEC_ID_NONE
inline AVCodecID picture_codec(std::span<std::uint8_t const> bytes) {
  using namespace std::string_view_literals;
  if (begins(bytes, "\x89PNG\r\n\x1a\n"sv)) return AV_CODEC_ID_PNG;
  if (begins(bytes, "\xff\xd8\xff"sv)) return AV_CODEC_ID_MJPEG;
  if (begins(bytes, "RIFF"sv) && begins(bytes, "WEBP"sv, 8)) return AV_CODEC_ID_WEBP;
  if (begins(bytes, "GIF8"sv)) return AV_CODEC_ID_GIF;
  if (begins(bytes, "BM"sv)) return AV_CODEC_ID_BMP;
  bool const blank = bytes.size() > 2 && (bytes[2] == ' ' || bytes[2] == '\n');
  if (begins(bytes, "P6"sv) && blank) return AV_CODEC_ID_PPM;
  if (begins(bytes, "P5"sv) && blank) return AV_CODEC_ID_PGM;
  if (begins(bytes, "II*\0"sv) || begins(bytes, "MM\0*"sv)) return AV_CODEC_ID_TIFF;
  return AV_CODEC_ID_NONE;
}

/// \throws InputError if a file of these first bytes is none that `decode_image` reads
inline AVCodecID require_picture(std::span<std::uint8_t const> bytes, std::string const& name) {
  AVCodecID const id = picture_codec(bytes);
  if (id == AV_CODEC_ID_NONE) {
    fail<InputError>(name, ": not a picture (PNG, JPEG, GIF, WebP, BMP, TIFF or PPM)");
  }
  return id;
}

inline std::vector<std::uint8_t> read_picture_file(ByteSource const& source, Deadline& deadline) {
  constexpr std::int64_t most_bytes = std::int64_t{1} << 30;
  constexpr std::size_t head = 16, stretch = std::size_t{4} << 20;
  if (source.size() == 0) fail<InputError>(source.name(), ": the file is empty");
  std::vector<std::uint8_t> bytes(std::min(head, std::size_t(source.size())));
  for (std::size_t done = 0; done < bytes.size();) {
    deadline.check(source.name());
    auto const begun = Deadline::Clock::now();
    std::span const wanted = std::span(bytes).subspan(done, std::min(stretch, bytes.size() - done));
    done += source.read_at(std::int64_t(done), wanted);
    deadline.add_waiting(Deadline::Clock::now() - begun);
    if (done != head) continue;
    require_picture(bytes, source.name());
    if (source.size() > most_bytes) {
      fail<InputError>(source.name(), ": a picture of ", source.size(), " bytes is not read; ",
                       most_bytes, " are the most");
    }
    bytes.resize(std::size_t(source.size()));
  }
  return bytes;
}

/// Makes a PNG that was cut off inside its pixels end properly there, so that the rows that came
/// through are decoded; upstream accepts such files.
inline void complete_png(std::vector<std::uint8_t>& bytes) {
  std::size_t const signature = 8, head = 8, check = 4;
  for (std::size_t at = signature; at + head <= bytes.size();) {
    std::uint8_t* const chunk = bytes.data() + at;
    std::size_t const length = std::size_t(chunk[0]) << 24 | std::size_t(chunk[1]) << 16 |
                               std::size_t(chunk[2]) << 8 | std::size_t(chunk[3]);
    std::size_t const left = bytes.size() - at - head;
    if (begins({chunk, head}, "IEND", 4)) return;
    if (length + check > left) {
      if (!begins({chunk, head}, "IDAT", 4)) {
        bytes.resize(at);
      } else {
        std::size_t const kept = std::min(length, left);
        for (std::size_t b = 0; b < 4; ++b) chunk[b] = std::uint8_t(kept >> (24 - 8 * b));
        bytes.resize(at + head + kept);
        bytes.insert(bytes.end(), check, 0);
      }
      break;
    }
    at += head + length + check;
  }
  constexpr std::array<std::uint8_t, 12> end{0,   0,   0,    0,    'I',  'E',
                                             'N', 'D', 0xae, 0x42, 0x60, 0x82};
  bytes.insert(bytes.end(), end.begin(), end.end());
}

/// A decoder's picture buffers start as what a cut-off file's missing part is to look like: grey in
/// a JPEG, black elsewhere.
inline int blank_buffer(AVCodecContext* codec, AVFrame* frame, int flags) {
  int const code = avcodec_default_get_buffer2(codec, frame, flags);
  int const blank = codec->codec_id == AV_CODEC_ID_MJPEG ? 128 : 0;
  for (int b = 0; code >= 0 && b < AV_NUM_DATA_POINTERS && frame->buf[b] != nullptr; ++b) {
    std::memset(frame->buf[b]->data, blank, frame->buf[b]->size);
  }
  return code;
}

/// How a packed 16-bit or palette pixel becomes RGB by Pillow's rules.
inline void packed_row(AVFrame const& frame, int y, std::uint8_t* out) {
  std::uint8_t const* const row = frame.data[0] + std::ptrdiff_t(y) * frame.linesize[0];
  int const width = frame.width;
  auto const each = [&](auto&& pixel) {
    for (int x = 0; x < width; ++x, out += 3) {
      std::array<std::uint8_t, 3> const rgb = pixel(x);
      std::copy(rgb.begin(), rgb.end(), out);
    }
  };
  auto const grey = [](int value) {
    auto const byte = std::uint8_t(std::min(value, 255));
    return std::array{byte, byte, byte};
  };
  switch (frame.format) {
    case AV_PIX_FMT_RGB24:
      std::copy_n(row, std::size_t(width) * 3, out);
      break;
    case AV_PIX_FMT_RGBA:
      each([&](int x) { return std::array{row[x * 4], row[x * 4 + 1], row[x * 4 + 2]}; });
      break;
    case AV_PIX_FMT_BGRA:
      each([&](int x) { return std::array{row[x * 4 + 2], row[x * 4 + 1], row[x * 4]}; });
      break;
    case AV_PIX_FMT_GRAY8:
      each([&](int x) { return grey(row[x]); });
      break;
    case AV_PIX_FMT_YA8:
      each([&](int x) { return grey(row[x * 2]); });
      break;
    case AV_PIX_FMT_MONOBLACK:
      each([&](int x) { return grey((row[x / 8] >> (7 - x % 8) & 1) * 255); });
      break;
    case AV_PIX_FMT_PAL8:
      each([&](int x) {
        std::uint32_t argb;
        std::memcpy(&argb, frame.data[1] + std::size_t(row[x]) * 4, 4);
        return std::array{std::uint8_t(argb >> 16), std::uint8_t(argb >> 8), std::uint8_t(argb)};
      });
      break;
    // Pillow clips a 16-bit grey to 255 but takes the high byte of 16-bit colours and grey + alpha
    case AV_PIX_FMT_GRAY16BE:
      each([&](int x) { return grey(row[x * 2] << 8 | row[x * 2 + 1]); });
      break;
    case AV_PIX_FMT_GRAY16LE:
      each([&](int x) { return grey(row[x * 2 + 1] << 8 | row[x * 2]); });
      break;
    case AV_PIX_FMT_YA16BE:
      each([&](int x) { return grey(row[x * 4]); });
      break;
    case AV_PIX_FMT_RGB48BE:
      each([&](int x) { return std::array{row[x * 6], row[x * 6 + 2], row[x * 6 + 4]}; });
      break;
    case AV_PIX_FMT_RGB48LE:
      each([&](int x) { return std::array{row[x * 6 + 1], row[x * 6 + 3], row[x * 6 + 5]}; });
      break;
    case AV_PIX_FMT_RGBA64LE:
      each([&](int x) { return std::array{row[x * 8 + 1], row[x * 8 + 3], row[x * 8 + 5]}; });
      break;
    case AV_PIX_FMT_RGBA64BE:
      each([&](int x) { return std::array{row[x * 8], row[x * 8 + 2], row[x * 8 + 4]}; });
      break;
    default:
      break;
  }
}

inline bool has_packed_rows(int format) {
  constexpr std::array formats{AV_PIX_FMT_RGB24,     AV_PIX_FMT_RGBA,     AV_PIX_FMT_BGRA,
                               AV_PIX_FMT_GRAY8,     AV_PIX_FMT_YA8,      AV_PIX_FMT_PAL8,
                               AV_PIX_FMT_MONOBLACK, AV_PIX_FMT_GRAY16BE, AV_PIX_FMT_GRAY16LE,
                               AV_PIX_FMT_YA16BE,    AV_PIX_FMT_RGB48BE,  AV_PIX_FMT_RGB48LE,
                               AV_PIX_FMT_RGBA64BE,  AV_PIX_FMT_RGBA64LE};
  return std::find(formats.begin(), formats.end(), format) != formats.end();
}

inline Image to_image(AVFrame const& frame) {
  Image image{frame.height, frame.width, {}};
  std::size_t const row = std::size_t(image.width) * 3;
  image.rgb.resize(std::size_t(image.height) * row);
  if (has_packed_rows(frame.format)) {
    for (int y = 0; y < image.height; ++y) {
      packed_row(frame, y, image.rgb.data() + std::size_t(y) * row);
    }
    return image;
  }
  RgbConverter convert(SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT);
  RgbView const rgb = convert(frame, image.height, image.width);
  for (int y = 0; y < image.height; ++y) {
    std::copy_n(rgb.data + std::size_t(y) * rgb.stride, row,
                image.rgb.data() + std::size_t(y) * row);
  }
  return image;
}

}  // namespace detail

VCFLASH_INLINE Image decode_image(std::vector<std::uint8_t> bytes, std::string const& name) {
  AVCodecID const id = detail::require_picture(bytes, name);
  quiet_ffmpeg();
  if (id == AV_CODEC_ID_PNG) detail::complete_png(bytes);
  detail::PaddedBytes padded = detail::pad(std::move(bytes));

  AVCodec const* const decoder = avcodec_find_decoder(id);
  if (decoder == nullptr) fail<InputError>(name, ": no decoder for ", avcodec_get_name(id));
  Codec const codec = allocated(Codec(avcodec_alloc_context3(decoder)));
  codec->thread_count = 1;
  codec->max_pixels = 178'956'970;  // where Pillow too takes a picture for an attack
  codec->get_buffer2 = detail::blank_buffer;
  Packet const packet = make_packet();
  packet->data = padded.bytes.data();
  packet->size = int(padded.size);
  Picture const frame = make_picture();
  int code = detail::open_decoder(*codec, *decoder, {packet->data, padded.size});
  if (code >= 0) code = avcodec_send_packet(codec.get(), packet.get());
  if (code >= 0) avcodec_send_packet(codec.get(), nullptr);
  if (code >= 0) code = avcodec_receive_frame(codec.get(), frame.get());
  if (code < 0) {
    fail<InputError>(name, ": cannot be decoded as ", decoder->name, ": ", ffmpeg_reason(code));
  }
  constexpr int longest = 65535;  // of a JPEG
  if (std::max(frame->width, frame->height) > longest) {
    fail<InputError>(name, ": a picture of ", frame->width, " x ", frame->height,
                     " is not taken; a side has at most ", longest, " pixels");
  }
  return detail::to_image(*frame);
}

VCFLASH_INLINE Image read_image(std::filesystem::path const& path, Deadline& deadline) {
  StoredFile const file(path);
  Image image = decode_image(detail::read_picture_file(file, deadline), file.name());
  deadline.check(file.name());
  return image;
}

VCFLASH_INLINE Image read_image(std::filesystem::path const& path, TimeLimit limit) {
  Deadline deadline(limit);
  return read_image(path, deadline);
}

}  // namespace vcflash::media
