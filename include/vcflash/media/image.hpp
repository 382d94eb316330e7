#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <vcflash/media/frames.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::media {

/// Decodes a picture file's bytes to RGB as upstream's reader (Pillow) does: alpha is dropped,
/// palettes and greys are converted, orientation tags are ignored, and of a file that is cut off
/// the rows that are there are kept. PNG is exact, JPEG within the difference between decoders.
/// \param name of the file, for messages
/// \throws InputError if the bytes are no picture that FFmpeg decodes
Image decode_image(std::vector<std::uint8_t> bytes, std::string const& name);

/// Reads a picture file; see `decode_image`.
/// \throws InputError naming the file if it is missing, empty or no picture
Image read_image(std::filesystem::path const& path);

}  // namespace vcflash::media

#ifndef VCFLASH_SEPARATE
#include <vcflash/media/image.ipp>
#endif
