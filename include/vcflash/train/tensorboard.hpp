#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>

#include <vcflash/meta/separate.hpp>
#include <vcflash/train/log_file.hpp>

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
  /// \param warn is told if something has to wait for a disk that takes it
  EventFile(std::filesystem::path const& folder, std::int64_t steps_done, LogFile::Warn warn = {});

  void write(std::int64_t step, std::span<Scalar const> scalars);

 private:
  void write_record(std::string_view event);

  LogFile file_;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/tensorboard.ipp>
#endif
