#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/error.h>
#include <libavutil/frame.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <vcflash/base/error.hpp>

namespace vcflash::media {

/// FFmpeg's structures, each freed by its own function.
namespace detail {

template <auto free>
struct FreeBy {
  template <class T>
  void operator()(T* pointer) const {
    free(&pointer);
  }
};
struct FreeScaler {
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};

}  // namespace detail

using Packet = std::unique_ptr<AVPacket, detail::FreeBy<av_packet_free>>;
using Picture = std::unique_ptr<AVFrame, detail::FreeBy<av_frame_free>>;
using Codec = std::unique_ptr<AVCodecContext, detail::FreeBy<avcodec_free_context>>;
using Demuxer = std::unique_ptr<AVFormatContext, detail::FreeBy<avformat_close_input>>;
using Scaler = std::unique_ptr<SwsContext, detail::FreeScaler>;

/// What FFmpeg last complained about on this thread; it prints nothing once this header is used.
inline std::string& ffmpeg_complaint() {
  thread_local std::string complaint;
  return complaint;
}

namespace detail {

inline void keep_complaint(void* source, int level, char const* format, va_list values) {
  if (level > AV_LOG_ERROR) return;
  char line[256];
  std::vsnprintf(line, sizeof line, format, values);
  std::string_view text(line);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  (void)source;
  if (!text.empty()) ffmpeg_complaint() = text;
}

}  // namespace detail

/// Turns FFmpeg's log of the whole process into `ffmpeg_complaint()`.
inline void quiet_ffmpeg() {
  static bool const done = (av_log_set_callback(detail::keep_complaint), true);
  (void)done;
  ffmpeg_complaint().clear();
}

/// \return FFmpeg's words for an error code, and what it complained about last
inline std::string ffmpeg_reason(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  std::string reason(text);
  if (!ffmpeg_complaint().empty()) reason += " (" + ffmpeg_complaint() + ")";
  return reason;
}

template <class T>
T allocated(T pointer) {
  if (!pointer) fail<Error>("FFmpeg could not allocate memory");
  return pointer;
}

inline Packet make_packet() { return allocated(Packet(av_packet_alloc())); }
inline Picture make_picture() { return allocated(Picture(av_frame_alloc())); }

/// A file took longer than it may. Another attempt would take as long.
struct TooSlow : InputError {
  using InputError::InputError;
};

/// Reading was called off from outside; nothing is wrong with the file.
struct Stopped : Error {
  using Error::Error;
};

/// How long a file may take to read before it is given up.
struct TimeLimit {
  std::chrono::milliseconds base;
  double of_each_second = 0;  ///< so many seconds more for every second of video
  std::chrono::milliseconds most = std::chrono::hours(1000);  ///< whatever the video's length
  std::atomic<bool> const* stop = nullptr;  ///< if set and true, what is being read is left at once

  template <class Rep, class Period>
  constexpr TimeLimit(std::chrono::duration<Rep, Period> limit, double for_each_second = 0)
      : base(std::chrono::duration_cast<std::chrono::milliseconds>(limit)),
        of_each_second(for_each_second) {}

  bool operator==(TimeLimit const&) const = default;
};

inline constexpr TimeLimit default_time_limit{std::chrono::seconds(30), 0.5};

/// When reading a file is given up: after so much work of each thread that reads it, and waiting
/// for its bytes. Work is the thread's own processor time, so that what is read in time does not
/// depend on what else a machine does.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  /// The thread that makes it is charged from now on; others, begun for this file, wholly.
  explicit Deadline(TimeLimit limit)
      : limit_(limit),
        allowed_(std::min(limit.base, limit.most)),
        owner_(std::this_thread::get_id()),
        begun_(processor_time()) {}

  /// Gives a video of so many seconds the time that its length is allowed.
  void allow_for(double seconds) {
    allowed_ += std::chrono::milliseconds(std::int64_t(seconds * limit_.of_each_second * 1e3));
    allowed_ = std::min(allowed_, limit_.most);
  }

  /// Charges time that was spent waiting for bytes. Any thread may call it.
  void add_waiting(std::chrono::nanoseconds time) {
    std::atomic_ref(waited_).fetch_add(time.count());
  }

  bool stopped() const { return limit_.stop != nullptr && limit_.stop->load(); }

  bool passed() const {
    bool const own = std::this_thread::get_id() == owner_;
    auto const worked = processor_time() - (own ? begun_ : std::chrono::nanoseconds(0));
    auto const waited = std::chrono::nanoseconds(std::atomic_ref(waited_).load());
    return stopped() || worked + waited >= allowed_;
  }

  /// \throws TooSlow naming `file` once the time is over, Stopped if reading was called off
  void check(std::string const& file) const {
    if (!passed()) return;
    if (stopped()) fail<Stopped>(file, ": reading it was called off");
    fail<TooSlow>(file, ": not read within ", allowed_.count(),
                  " ms of work and waiting; given up");
  }

  /// For `AVFormatContext::interrupt_callback`: FFmpeg asks whether to stop while it waits.
  AVIOInterruptCB interrupt() {
    return {[](void* self) { return static_cast<Deadline*>(self)->passed() ? 1 : 0; }, this};
  }

 private:
  static std::chrono::nanoseconds processor_time() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }

  TimeLimit limit_;
  std::chrono::milliseconds allowed_;
  std::thread::id owner_;
  std::chrono::nanoseconds begun_;   ///< the owner's processor time then
  mutable std::int64_t waited_ = 0;  ///< nanoseconds
};

}  // namespace vcflash::media
