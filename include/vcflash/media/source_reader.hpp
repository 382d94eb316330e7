#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include <vcflash/media/byte_source.hpp>
#include <vcflash/media/ffmpeg.hpp>

namespace vcflash::media {

/// Gives FFmpeg's demuxers the bytes of a source. FFmpeg knows error codes only, and some of its
/// demuxers take them for an end of the file: what went wrong is kept here and asked for by
/// `rethrow` after each call.
class SourceReader {
 public:
  SourceReader(std::shared_ptr<ByteSource const> source, Deadline& deadline)
      : source_(std::move(source)), deadline_(deadline) {
    constexpr int buffer_bytes = 1 << 15;
    auto* const buffer = static_cast<unsigned char*>(av_malloc(buffer_bytes));
    if (buffer == nullptr) fail<Error>("FFmpeg could not allocate memory");
    context_ = avio_alloc_context(buffer, buffer_bytes, 0, this, read, nullptr, seek);
    if (context_ == nullptr) av_free(buffer);
    allocated(context_);
  }
  SourceReader(SourceReader const&) = delete;
  SourceReader& operator=(SourceReader const&) = delete;
  ~SourceReader() {
    av_freep(static_cast<void*>(&context_->buffer));
    avio_context_free(&context_);
  }

  AVIOContext* context() const { return context_; }

  /// \throws what the source threw, once it has
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  static int read(void* opaque, std::uint8_t* bytes, int size) {
    auto& self = *static_cast<SourceReader*>(opaque);
    if (self.failure_) return AVERROR(EIO);
    if (self.deadline_.passed()) return AVERROR_EXIT;
    try {
      auto const begun = Deadline::Clock::now();
      std::size_t const count = self.source_->read_at(self.at_, {bytes, std::size_t(size)});
      self.deadline_.add_waiting(Deadline::Clock::now() - begun);
      self.at_ += std::int64_t(count);
      return count == 0 ? AVERROR_EOF : int(count);
    } catch (...) {
      self.failure_ = std::current_exception();
      return AVERROR(EIO);
    }
  }

  static std::int64_t seek(void* opaque, std::int64_t offset, int whence) {
    auto& self = *static_cast<SourceReader*>(opaque);
    std::int64_t const size = self.source_->size();
    if (whence == AVSEEK_SIZE) return size;
    whence &= ~AVSEEK_FORCE;
    std::int64_t const at = offset + (whence == SEEK_CUR   ? self.at_
                                      : whence == SEEK_END ? size
                                                           : std::int64_t{0});
    if (at < 0) return AVERROR(EINVAL);
    return self.at_ = at;
  }

  std::shared_ptr<ByteSource const> source_;
  Deadline& deadline_;
  AVIOContext* context_ = nullptr;
  std::int64_t at_ = 0;  ///< where the next bytes are read
  std::exception_ptr failure_;
};

}  // namespace vcflash::media
