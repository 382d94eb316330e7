#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/media/gif.hpp>
#include <vcflash/media/packets.hpp>

namespace vcflash::media {

/// Decodes chosen frames of a file and converts nothing.
class FrameDecoder {
 public:
  explicit FrameDecoder(VideoFile& file) : file_(file) {
    for (std::size_t p = 0; p < std::size_t(file.length()); ++p) {
      if (file.facts(p).key) keys_.push_back(p);
    }
  }

  /// Hands each wanted frame to `take(thread, place in wanted, AVFrame const&)`, once. Frames that
  /// nobody wants and that no other frame needs are not decoded, and stretches without a wanted
  /// frame are skipped from key frame to key frame.
  /// \param wanted ascending, each in [0, file.shown())
  /// \param threads that decode; they share the file's key frames, and a frame is the same whatever
  ///   their number. `take` is called by several at a time; one gets its frames in order
  /// \return for each wanted frame whether it could be decoded: what is not found when the deadline
  ///   passes is missing, as long as `enough` was
  /// \throws TooSlow if the deadline passes before, InputError if the file's codec is unknown
  template <class Take>
  std::vector<bool> operator()(std::span<std::int64_t const> wanted, int threads, Take&& take) {
    std::vector<std::uint8_t> found(wanted.size());  // each is one thread's
    auto const once = [&](int thread, std::size_t place, AVFrame const& frame) {
      if (found[place] == 0) take(thread, place, frame);
      found[place] = 1;
    };
    auto const take_alone = [&](std::size_t place, AVFrame const& frame) { once(0, place, frame); };
    if (file_.timed()) {
      leap_through(wanted, threads, once);
      try {
        repair(wanted, found, take_alone);
      } catch (TooSlow const&) {
        if (!enough(found)) throw;
      }
    } else if (!wanted.empty()) {
      run({0, wanted.size(), 0}, wanted, Pace::counting, take_alone);
    }
    return {found.begin(), found.end()};
  }

  /// Whether so many of the wanted frames were decoded that the others may be stood in for: three
  /// quarters.
  template <class Found>
  static bool enough(Found const& found) {
    auto const missing = std::count(found.begin(), found.end(), false);
    return std::size_t(missing) * 4 <= found.size();
  }

 private:
  enum class Pace {
    leaping,   ///< known by time, skipping what is not needed
    walking,   ///< known by time, every packet from a key frame on decoded
    counting,  ///< known by order, every packet decoded
  };

  /// Wanted frames [first, last) that are decoded one after the other, from a key frame on.
  struct Stretch {
    std::size_t first, last, packet;
  };

  /// Cuts what is wanted at key frames, into parts large enough that starting a decoder for each
  /// costs nothing that counts. Threads have no say in it, so that they change no frame.
  std::vector<Stretch> stretches(std::span<std::int64_t const> wanted) const {
    constexpr std::size_t fewest_packets = 64;
    std::vector<Stretch> parts;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      std::size_t const key = key_before(wanted[i]);
      if (parts.empty() || (file_.random_access() && key >= parts.back().packet + fewest_packets)) {
        parts.push_back({i, i, key});
      }
      parts.back().last = i + 1;
    }
    return parts;
  }

  template <class Take>
  void leap_through(std::span<std::int64_t const> wanted, int threads, Take&& take) {
    auto const parts = stretches(wanted);
    std::atomic<std::size_t> next = 0;
    std::mutex guard;
    std::exception_ptr failure;
    auto const work = [&](int thread) {
      for (std::size_t part; (part = next++) < parts.size();) {
        try {
          run(parts[part], wanted, Pace::leaping,
              [&](std::size_t place, AVFrame const& frame) { take(thread, place, frame); });
        } catch (...) {
          std::scoped_lock const lock(guard);
          if (!failure) failure = std::current_exception();
          next = parts.size();
        }
      }
    };
    {
      std::vector<std::jthread> others;
      for (int thread = 1; thread < std::min(threads, int(parts.size())); ++thread) {
        others.emplace_back([&, thread] { work(thread); });
      }
      work(0);
    }
    if (failure) std::rethrow_exception(failure);
  }

  /// Looks again for what leaping did not find: from the key frame before a missing frame, every
  /// packet decoded. Where that gives no frame at all, the key frame is none, or damaged, and it is
  /// tried from ever farther before; else the frame itself is lost. Where that would be more than
  /// to decode the whole file, the whole file is decoded.
  template <class Take>
  void repair(std::span<std::int64_t const> wanted, std::vector<std::uint8_t> const& found,
              Take&& take) {
    std::size_t walked = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (found[i] != 0) continue;
      std::size_t last = i + 1;  // all that is missing behind one key frame is one walk
      auto key = place_of_key(wanted[i]);
      while (last < wanted.size() && place_of_key(wanted[last]) == key) ++last;
      bool begun = false;
      for (std::ptrdiff_t step = 1; !begun; step *= 2) {
        if (walked > std::size_t(file_.length())) {
          run({i, wanted.size(), 0}, wanted, Pace::walking, take);
          return;
        }
        std::size_t const packet = key < 0 ? 0 : keys_[std::size_t(key)];
        Pass const pass = run({i, last, packet}, wanted, Pace::walking, take);
        begun = pass.begun || packet == 0;
        walked += pass.packets;
        key = std::max(key - step, std::ptrdiff_t{-1});
      }
      i = last - 1;
    }
  }

  Codec open() {
    AVStream const& stream = file_.stream();
    AVCodec const* const decoder = avcodec_find_decoder(stream.codecpar->codec_id);
    if (decoder == nullptr) {
      fail<InputError>(file_.name(), ": no decoder for ",
                       avcodec_get_name(stream.codecpar->codec_id));
    }
    Codec codec = allocated(Codec(avcodec_alloc_context3(decoder)));
    avcodec_parameters_to_context(codec.get(), stream.codecpar);
    codec->pkt_timebase = stream.time_base;
    codec->thread_count = 1;
    codec->max_pixels = most_pixels;
    Packet buffer;
    AVPacket const* const first =
        decoder->id == AV_CODEC_ID_GIF ? file_.packet(0, buffer) : nullptr;
    int const opened = detail::open_decoder(
        *codec, *decoder,
        first == nullptr ? std::span<std::uint8_t const>()
                         : std::span<std::uint8_t const>(first->data, std::size_t(first->size)));
    if (opened < 0) {
      fail<InputError>(file_.name(), ": cannot be decoded: ", ffmpeg_reason(opened));
    }
    return codec;
  }

  /// What came of a pass over a part of a file.
  struct Pass {
    bool begun;           ///< a frame came that is shown no later than the part's first wanted one
    std::size_t packets;  ///< that were decoded
  };

  /// One pass over a part of the file, up to its last wanted frame.
  template <class Take>
  Pass run(Stretch const& part, std::span<std::int64_t const> wanted, Pace pace, Take&& take) {
    Codec const codec = open();
    Picture const frame = make_picture();
    Packet buffer;
    std::size_t const packets = std::size_t(file_.length());
    std::size_t next = part.first, fed = part.packet;
    std::int64_t shown = 0;
    bool ended = false, begun = false;
    while (next < part.last && !ended) {
      if (pace == Pace::leaping && leap(wanted[next], fed)) avcodec_flush_buffers(codec.get());
      AVPacket const* const packet = fed < packets ? file_.packet(fed, buffer) : nullptr;
      if (pace == Pace::leaping && packet != nullptr) {
        codec->skip_frame = needed(wanted, file_.facts(fed)) ? AVDISCARD_DEFAULT : AVDISCARD_NONREF;
      }
      ended = packet == nullptr;
      fed += ended ? 0 : 1;
      avcodec_send_packet(codec.get(), packet);  // a damaged packet costs its frames only
      while (next < part.last && avcodec_receive_frame(codec.get(), frame.get()) >= 0) {
        file_.deadline().check(file_.name());
        auto const index =
            pace == Pace::counting ? std::optional(shown++) : file_.frame_at(moment(*frame));
        bool const sound = pace == Pace::counting || !guessed(*frame);
        begun = begun || (index && sound && *index <= wanted[part.first]);
        bool const best = sound || (pace == Pace::walking && (begun || part.packet == 0));
        if (!index || !best) continue;
        while (next < part.last && wanted[next] < *index) ++next;
        for (; next < part.last && wanted[next] == *index; ++next) take(next, *frame);
      }
    }
    return {begun, fed - part.packet};
  }

  /// Whether the decoder made up what it lacked of other frames: it was begun at the wrong place,
  /// or the file is damaged.
  static bool guessed(AVFrame const& frame) {
    return (frame.flags & AV_FRAME_FLAG_CORRUPT) != 0 ||
           (frame.decode_error_flags & FF_DECODE_ERROR_MISSING_REFERENCE) != 0;
  }

  static std::int64_t moment(AVFrame const& frame) {
    return frame.pts != AV_NOPTS_VALUE ? frame.pts : frame.best_effort_timestamp;
  }

  bool needed(std::span<std::int64_t const> wanted, PacketFacts const& fact) const {
    auto const index = file_.frame_at(fact.pts);
    return !index || std::binary_search(wanted.begin(), wanted.end(), *index);
  }

  /// Which of the key frames is the last from which a frame can be decoded.
  /// \return its place in `keys_`, or -1 if there is none
  std::ptrdiff_t place_of_key(std::int64_t index) const {
    auto const later = std::upper_bound(
        keys_.begin(), keys_.end(), file_.pts_of(index),
        [&](std::int64_t moment, std::size_t key) { return moment < file_.facts(key).pts; });
    return later - keys_.begin() - 1;
  }

  /// The packet at which decoding for a frame begins: its key frame's, or else the file's first.
  std::size_t key_before(std::int64_t index) const {
    auto const place = place_of_key(index);
    return place < 0 ? 0 : keys_[std::size_t(place)];
  }

  /// Moves `fed` to a later key frame if the wanted frame can be decoded from there.
  bool leap(std::int64_t index, std::size_t& fed) const {
    std::size_t const key = key_before(index);
    if (key <= fed) return false;
    fed = key;
    return true;
  }

  VideoFile& file_;
  std::vector<std::size_t> keys_;  ///< packets at which decoding may begin
};

}  // namespace vcflash::media
