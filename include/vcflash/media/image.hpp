#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::media {

/// Decodes a picture file's bytes to RGB as upstream's reader (Pillow) does: alpha is dropped,
/// palettes and greys are converted, orientation tags are ignored, of a GIF the first picture is
/// taken, and of a file that is cut off the rows that are there are kept. What a file is is told by
/// its first bytes, not by its name. PNG is exact, JPEG within the difference between decoders.
/// \param name of the file, for messages
/// \throws InputError if the bytes are no picture that FFmpeg decodes
Image decode_image(std::vector<std::uint8_t> bytes, std::string const& name);

/// Reads a picture file; see `decode_image`. Of what is no picture, the first bytes only are read.
/// \throws InputError naming the file if it is missing, empty, no picture, or takes too long,
///   ReadError if it cannot be read
Image read_image(std::filesystem::path const& path, TimeLimit limit = default_time_limit);

/// The same as one of the files that share a deadline.
Image read_image(std::filesystem::path const& path, Deadline& deadline);

}  // namespace vcflash::media

#ifndef VCFLASH_SEPARATE
#include <vcflash/media/image.ipp>
#endif
