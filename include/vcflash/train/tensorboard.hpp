#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>
#include <utility>

#include <vcflash/meta/separate.hpp>

namespace vcflash::train {

namespace detail {
/// CRC-32C, turned and shifted so that the sum of data that hold sums says something.
std::uint32_t masked_crc(std::string_view data);
}  // namespace detail

/// An event file as TensorBoard reads it: scalars by step, in TensorFlow's record format
/// (`tensorflow/core/util/event.proto`, `core/lib/io/record_writer.cc`).
class EventFile {
 public:
  using Scalar = std::pair<std::string_view, double>;  ///< its tag and value

  /// Begins a file of its own in `folder`. TensorBoard then forgets what earlier files of the
  /// folder say about steps after `steps_done`.
  /// \throws Error if it cannot be written
  EventFile(std::filesystem::path const& folder, std::int64_t steps_done);

  /// \throws Error if they cannot be written
  void write(std::int64_t step, std::span<Scalar const> scalars);

 private:
  void write_record(std::string_view event);

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/tensorboard.ipp>
#endif
