#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <vcflash/media/ffmpeg.hpp>

namespace vcflash::media::detail {

/// The colour of a GIF where its first picture is transparent: what the palette has at the
/// transparent place, as Pillow and imageio give it. FFmpeg gives white.
/// \param gif the file, or as much of it as holds its first picture
/// \return 0xRRGGBB; none if nothing is transparent
inline std::optional<std::uint32_t> transparent_colour(std::span<std::uint8_t const> gif) {
  std::size_t at = 6;  // behind the signature
  bool ended = false;
  auto const take = [&](std::size_t count) {
    ended = ended || gif.size() - at < count;
    auto const taken = ended ? std::span<std::uint8_t const>() : gif.subspan(at, count);
    at += taken.size();
    return taken;
  };
  auto const table_of = [&](std::uint8_t flags) {
    return (flags & 0x80) != 0 ? take(std::size_t{6} << (flags & 7))
                               : std::span<std::uint8_t const>();
  };
  if (gif.size() < at) return {};
  auto const screen = take(7);
  auto palette = ended ? screen : table_of(screen[4]);
  std::optional<std::size_t> transparent;
  while (!ended) {
    auto const kind = take(1);
    if (!ended && kind[0] == 0x2C) {  // a picture
      auto const picture = take(9);
      if (ended || !transparent) return {};
      if (auto const own = table_of(picture[8]); !own.empty()) palette = own;
      if (ended || *transparent * 3 + 3 > palette.size()) return {};
      auto const colour = palette.subspan(*transparent * 3, 3);
      return std::uint32_t(colour[0]) << 16 | std::uint32_t(colour[1]) << 8 | colour[2];
    }
    if (ended || kind[0] != 0x21) return {};  // else an extension
    auto const label = take(1);
    for (bool first = true; !ended; first = false) {
      auto const size = take(1);
      if (ended || size[0] == 0) break;
      auto const block = take(size[0]);
      bool const control = !ended && first && label[0] == 0xF9 && block.size() >= 4;
      if (control && (block[0] & 1) != 0) transparent = block[3];
    }
  }
  return {};
}

/// Opens a decoder, one for GIFs with the colour of what is transparent.
/// \param first the first packet of the file  \return FFmpeg's code
inline int open_decoder(AVCodecContext& codec, AVCodec const& decoder,
                        std::span<std::uint8_t const> first) {
  AVDictionary* options = nullptr;
  if (decoder.id == AV_CODEC_ID_GIF) {
    if (auto const colour = transparent_colour(first))
      av_dict_set_int(&options, "trans_color", *colour, 0);
  }
  int const opened = avcodec_open2(&codec, &decoder, &options);
  av_dict_free(&options);
  return opened;
}

}  // namespace vcflash::media::detail
