#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/media/packets.hpp>
#include <vcflash/meta/error.hpp>

namespace vcflash::media {

/// Decodes chosen frames of a file, in order, and converts nothing.
class FrameDecoder {
 public:
  explicit FrameDecoder(VideoFile& file) : file_(file) {
    for (std::size_t p = 0; p < std::size_t(file.length()); ++p) {
      if (file.facts(p).key) keys_.push_back(p);
    }
  }

  /// Hands each wanted frame to `take(place in wanted, AVFrame const&)`, in order. Frames that
  /// nobody wants and that no other frame needs are not decoded, and stretches without a wanted
  /// frame are skipped from key frame to key frame.
  /// \param wanted ascending, each in [0, file.shown())
  /// \return for each wanted frame whether it could be decoded
  /// \throws InputError if the deadline passes or the file's codec is unknown
  template <class Take>
  std::vector<bool> operator()(std::span<std::int64_t const> wanted, Take&& take) {
    std::vector<bool> found(wanted.size());
    auto const once = [&](std::size_t place, AVFrame const& frame) {
      if (!found[place]) take(place, frame);
      found[place] = true;
    };
    auto const complete = [&] {
      return std::find(found.begin(), found.end(), false) == found.end();
    };
    if (file_.timed()) run(wanted, Pace::leaping, once);
    if (!complete()) run(wanted, file_.timed() ? Pace::walking : Pace::counting, once);
    return found;
  }

 private:
  enum class Pace {
    leaping,   ///< known by time, skipping what is not needed
    walking,   ///< known by time, every packet decoded
    counting,  ///< known by order, every packet decoded
  };

  Codec open() const {
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
    int const opened = avcodec_open2(codec.get(), decoder, nullptr);
    if (opened < 0) {
      fail<InputError>(file_.name(), ": cannot be decoded: ", ffmpeg_reason(opened));
    }
    return codec;
  }

  /// One pass over the file, up to the last wanted frame.
  template <class Take>
  void run(std::span<std::int64_t const> wanted, Pace pace, Take&& take) {
    Codec const codec = open();
    Picture const frame = make_picture();
    std::size_t const packets = std::size_t(file_.length());
    std::size_t next = 0, fed = 0;
    std::int64_t shown = 0;
    bool ended = false;
    while (next < wanted.size() && !ended) {
      if (pace == Pace::leaping && leap(wanted[next], fed)) avcodec_flush_buffers(codec.get());
      AVPacket const* const packet = fed < packets ? file_.packet(fed) : nullptr;
      if (pace == Pace::leaping && packet != nullptr) {
        codec->skip_frame = needed(wanted, file_.facts(fed)) ? AVDISCARD_DEFAULT : AVDISCARD_NONREF;
      }
      ended = packet == nullptr;
      fed += ended ? 0 : 1;
      avcodec_send_packet(codec.get(), packet);  // a damaged packet costs its frames only
      while (next < wanted.size() && avcodec_receive_frame(codec.get(), frame.get()) >= 0) {
        file_.deadline().check(file_.name());
        auto const index =
            pace == Pace::counting ? std::optional(shown++) : file_.frame_at(moment(*frame));
        if (!index) continue;
        while (next < wanted.size() && wanted[next] < *index) ++next;
        for (; next < wanted.size() && wanted[next] == *index; ++next) take(next, *frame);
      }
    }
  }

  static std::int64_t moment(AVFrame const& frame) {
    return frame.pts != AV_NOPTS_VALUE ? frame.pts : frame.best_effort_timestamp;
  }

  bool needed(std::span<std::int64_t const> wanted, PacketFacts const& fact) const {
    auto const index = file_.frame_at(fact.pts);
    return !index || std::binary_search(wanted.begin(), wanted.end(), *index);
  }

  /// Moves `fed` to a later key frame if the wanted frame can be decoded from there.
  bool leap(std::int64_t index, std::size_t& fed) const {
    std::int64_t const pts = file_.pts_of(index);
    auto const later = std::upper_bound(
        keys_.begin(), keys_.end(), pts,
        [&](std::int64_t moment, std::size_t key) { return moment < file_.facts(key).pts; });
    if (later == keys_.begin()) return false;
    std::size_t const key = *std::prev(later);
    if (key <= fed) return false;
    fed = key;
    return true;
  }

  VideoFile& file_;
  std::vector<std::size_t> keys_;  ///< packets at which decoding may begin
};

}  // namespace vcflash::media
