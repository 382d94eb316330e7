#pragma once

#include <unistd.h>

#include <bit>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <boost/crc.hpp>

#include <vcflash/train/tensorboard.hpp>

namespace vcflash::train {

namespace detail {

/// A number's bytes, the lowest first.
template <class T>
std::string little_endian(T value) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// A message of Protocol Buffers, field by field.
class Message {
 public:
  Message& number(int field, std::uint64_t value) {
    varint(static_cast<std::uint64_t>(field) << 3U);
    varint(value);
    return *this;
  }
  Message& fixed(int field, double value) { return raw(field, 1, little_endian(value)); }
  Message& fixed(int field, float value) { return raw(field, 5, little_endian(value)); }
  Message& bytes(int field, std::string_view value) {
    varint(static_cast<std::uint64_t>(field) << 3U | 2U);
    varint(value.size());
    text_ += value;
    return *this;
  }
  std::string const& text() const { return text_; }

 private:
  Message& raw(int field, unsigned type, std::string const& value) {
    varint(static_cast<std::uint64_t>(field) << 3U | type);
    text_ += value;
    return *this;
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) text_ += static_cast<char>(value | 0x80U);
    text_ += static_cast<char>(value);
  }

  std::string text_;
};

/// An event's first fields: when, and at which step.
inline Message event_at(std::int64_t step) {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return Message()
      .fixed(1, std::chrono::duration<double>(now).count())
      .number(2, static_cast<std::uint64_t>(step));
}

VCFLASH_INLINE std::uint32_t masked_crc(std::string_view data) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(data.data(), data.size());
  return std::rotr(static_cast<std::uint32_t>(crc.checksum()), 15) + 0xa282ead8U;
}

/// TensorBoard takes any name with this beginning, and reads a folder's files in their order.
inline std::string event_file_name() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return fmt::format("events.out.tfevents.{:010}.{}",
                     std::chrono::duration_cast<std::chrono::seconds>(now).count(), ::getpid());
}

}  // namespace detail

VCFLASH_INLINE EventFile::EventFile(std::filesystem::path const& folder, std::int64_t steps_done,
                                    LogFile::Warn warn)
    : file_(folder / detail::event_file_name(), std::move(warn)) {
  write_record(detail::event_at(0).bytes(3, "brain.Event:2").text());
  if (steps_done > 0) {
    constexpr std::uint64_t start = 1;  // SessionLog.SessionStatus
    write_record(detail::event_at(steps_done + 1)
                     .bytes(7, detail::Message().number(1, start).text())
                     .text());
  }
}

VCFLASH_INLINE void EventFile::write(std::int64_t step, std::span<Scalar const> scalars) {
  detail::Message summary;
  for (auto const& [tag, value] : scalars) {
    summary.bytes(1, detail::Message().bytes(1, tag).fixed(2, static_cast<float>(value)).text());
  }
  write_record(detail::event_at(step).bytes(5, summary.text()).text());
}

VCFLASH_INLINE void EventFile::write_record(std::string_view event) {
  auto const length = detail::little_endian(static_cast<std::uint64_t>(event.size()));
  std::string record = length + detail::little_endian(detail::masked_crc(length));
  record += event;
  file_.append(record + detail::little_endian(detail::masked_crc(event)));
}

}  // namespace vcflash::train
