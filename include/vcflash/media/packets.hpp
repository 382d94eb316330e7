#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/media/byte_source.hpp>
#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/key_frames.hpp>
#include <vcflash/media/source_reader.hpp>
#include <vcflash/media/streams.hpp>

namespace vcflash::media {

namespace detail {

/// Containers that hold one file's frames. Playlists and other readers of further files or of
/// addresses are not among them: an annotation must not make a program open what it names.
inline constexpr char const* containers =
    "3gp,asf,avi,dv,flv,gif,h264,hevc,ivf,m4v,matroska,mov,mp4,mpeg,mpegts,mpegtsraw,mpegvideo,"
    "mxf,nut,ogg,rm,webm,wtv";

/// \param reader of the file's bytes; outlives the container
/// \throws InputError if the bytes are no container of frames, or it takes too long, ReadError if
///   they cannot be read
inline Demuxer open_container(std::string const& file, SourceReader const& reader,
                              Deadline& deadline) {
  quiet_ffmpeg();
  AVFormatContext* context = allocated(avformat_alloc_context());
  context->interrupt_callback = deadline.interrupt();
  context->pb = reader.context();
  AVDictionary* options = nullptr;
  av_dict_set(&options, "format_whitelist", containers, 0);
  av_dict_set(&options, "protocol_whitelist", "file", 0);
  int const opened = avformat_open_input(&context, ("file:" + file).c_str(), nullptr, &options);
  av_dict_free(&options);
  Demuxer demuxer(context);  // null if opening failed
  reader.rethrow();
  deadline.check(file);
  if (opened < 0) fail<InputError>(file, ": not a readable video: ", ffmpeg_reason(opened));
  int const probed = avformat_find_stream_info(demuxer.get(), nullptr);
  reader.rethrow();
  deadline.check(file);
  if (probed < 0) fail<InputError>(file, ": not a readable video: ", ffmpeg_reason(probed));
  return demuxer;
}

}  // namespace detail

/// Pixels of the largest frame that is decoded, twice those of 8K: a damaged header must not make a
/// program reserve gigabytes.
inline constexpr std::int64_t most_pixels = std::int64_t{1} << 26;

/// One packet of a video as the container lists it.
struct PacketFacts {
  std::int64_t pts;  ///< when it is shown, in the stream's time base; or AV_NOPTS_VALUE
  std::int64_t dts;  ///< when it is decoded; or AV_NOPTS_VALUE
  bool key;          ///< decoding may begin here
  bool hidden;       ///< cut off by an edit list: decoded, never shown
};

/// A video file's packets, read once: how many there are, when each is shown, where decoding may
/// begin. Small files' packets stay in memory; of large files it is known where each stands, if the
/// container has them in one piece (mp4 has), and else the file is read again from its beginning.
class VideoFile {
 public:
  /// \param keep_bytes packets of a file up to this size are kept, and up to eight times that where
  ///   they do not stand in one piece
  /// \throws InputError naming the file if it holds no video or takes too long
  VideoFile(std::filesystem::path const& path, Deadline& deadline,
            std::size_t keep_bytes = default_keep)
      : VideoFile(std::make_shared<StoredFile const>(path), deadline, keep_bytes) {}

  /// The same of bytes that come from elsewhere.
  VideoFile(std::shared_ptr<ByteSource const> source, Deadline& deadline,
            std::size_t keep_bytes = default_keep)
      : source_(std::move(source)), file_(source_->name()), deadline_(deadline) {
    if (source_->size() == 0) fail<InputError>(file_, ": the file is empty");
    open();
    double const claimed = double(demuxer_->duration) / AV_TIME_BASE;
    deadline_.allow_for(believable(claimed));
    scan(keep_bytes);
    restore_moments();
    for (std::size_t p = 0; p < kept_.size(); ++p) kept_[p]->pts = facts_[p].pts;
    for (auto const& fact : facts_) {
      if (!fact.hidden) shown_.push_back(fact.pts);
    }
    if (facts_.empty()) fail<InputError>(file_, ": the video holds no frames");
    if (shown_.empty()) fail<InputError>(file_, ": the video's edit list hides every frame");
    std::sort(shown_.begin(), shown_.end());
    timed_ = shown_.front() != AV_NOPTS_VALUE &&
             std::adjacent_find(shown_.begin(), shown_.end()) == shown_.end();
    rate_ = average_rate();
    if (!(fps() > 0)) fail<InputError>(file_, ": the video has no frame rate");
    if (!(claimed > 0)) deadline_.allow_for(believable(double(length()) / fps()));
  }

  std::string const& name() const { return file_; }
  Deadline const& deadline() const { return deadline_; }
  AVStream const& stream() const { return *demuxer_->streams[stream_]; }

  /// Frames as decord counts them: packets, those an edit list hides included.
  std::int64_t length() const { return std::int64_t(facts_.size()); }
  /// Frames that decoding shows.
  std::int64_t shown() const { return std::int64_t(shown_.size()); }
  AVRational rate() const { return rate_; }  ///< average frames a second
  double fps() const { return rate_.num > 0 && rate_.den > 0 ? av_q2d(rate_) : 0.0; }

  /// Frames a second by the moments at which they are shown, whatever the container says of it; no
  /// rate of less than two frames, or of frames without moments.
  AVRational rate_of_moments() const {
    AVRational const unit = stream().time_base;
    AVRational rate{0, 1};
    if (!timed_ || shown_.size() < 2 || unit.num <= 0) return rate;
    std::int64_t const end = std::max(end_, shown_.back());
    std::int64_t ticks = 0;
    bool const sane = !__builtin_sub_overflow(end, shown_.front(), &ticks);
    if (sane && ticks < std::numeric_limits<std::int64_t>::max() / unit.num) {
      av_reduce(&rate.num, &rate.den, shown() * unit.den, ticks * unit.num,
                std::numeric_limits<int>::max());
    }
    return rate;
  }

  /// Whether each shown frame has a moment of its own, so that it is known by it.
  bool timed() const { return timed_; }

  /// \return when frame `index` in [0, shown()) is shown; only if `timed()`
  std::int64_t pts_of(std::int64_t index) const { return shown_[std::size_t(index)]; }

  /// \return which frame is shown at `pts`, if one is
  std::optional<std::int64_t> frame_at(std::int64_t pts) const {
    auto const found = std::lower_bound(shown_.begin(), shown_.end(), pts);
    if (found == shown_.end() || *found != pts) return {};
    return found - shown_.begin();
  }

  PacketFacts const& facts(std::size_t packet) const { return facts_[packet]; }

  /// Whether any of several threads may ask for any packet, each with a buffer of its own.
  bool random_access() const { return !kept_.empty() || !places_.empty(); }

  /// \param buffer what the packet may be put in
  /// \return the packet at a place in the file, or null if it cannot be read a second time; valid
  ///   until the next call with this buffer
  AVPacket const* packet(std::size_t place, Packet& buffer) {
    deadline_.check(file_);
    if (!kept_.empty()) return kept_[place].get();
    if (!buffer) buffer = make_packet();
    av_packet_unref(buffer.get());
    if (!(places_.empty() ? read_up_to(place, *buffer) : read_placed(place, *buffer)))
      return nullptr;
    buffer->pts = facts_[place].pts;
    return buffer.get();
  }

 private:
  static constexpr std::size_t default_keep = std::size_t{32} << 20;

  /// A length as far as it is believed: a small file that claims hours is not.
  double believable(double seconds) const {
    constexpr double least_bytes_a_second = 1000;
    return std::clamp(seconds, 0.0, double(source_->size()) / least_bytes_a_second);
  }

  /// The container's average, or what FFmpeg takes for it. A recording of a browser often says
  /// nothing, and FFmpeg's guess is then the unit of its clock.
  AVRational average_rate() const {
    AVStream* const stream = demuxer_->streams[stream_];
    if (stream->avg_frame_rate.num > 0 && stream->avg_frame_rate.den > 0) {
      return stream->avg_frame_rate;
    }
    AVRational const own = rate_of_moments();
    return own.num > 0 ? own : av_guess_frame_rate(demuxer_.get(), stream, nullptr);
  }

  /// Reads all packets.
  void scan(std::size_t keep_bytes) {
    bool placed = source_->size() > std::int64_t(keep_bytes);
    std::size_t kept_bytes = 0;
    KeyFrameCheck check(stream());
    for (Packet packet = make_packet(); read(*packet); packet = make_packet()) {
      bool const hidden = (packet->flags & AV_PKT_FLAG_DISCARD) != 0;
      facts_.push_back({packet->pts, packet->dts, (packet->flags & AV_PKT_FLAG_KEY) != 0, hidden});
      check.add(*packet);
      std::int64_t end = 0;
      if (!hidden && packet->pts != AV_NOPTS_VALUE &&
          !__builtin_add_overflow(packet->pts, packet->duration, &end)) {
        end_ = std::max(end_, end);
      }
      kept_bytes += std::size_t(packet->size);
      if (placed) places_.push_back({packet->pos, packet->size});
      if (placed && in_one_piece(*packet)) continue;
      placed = false;
      places_.clear();
      if (kept_bytes <= 8 * keep_bytes && kept_.size() + 1 == facts_.size()) {
        kept_.push_back(std::move(packet));
      } else {
        kept_.clear();
      }
    }
    position_ = facts_.size();
    if (auto const keys = check.keys()) {
      for (std::size_t p = 0; p < facts_.size(); ++p) facts_[p].key = (*keys)[p];
    }
  }

  /// Whether the file's bytes where the container says that the packet stands are all of it.
  bool in_one_piece(AVPacket const& packet) {
    bool const plain = (packet.flags & ~(AV_PKT_FLAG_KEY | AV_PKT_FLAG_DISCARD)) == 0;
    if (!plain || packet.pos < 0 || packet.size <= 0 || packet.side_data_elems != 0) return false;
    compared_.resize(std::size_t(packet.size));
    return source_->read_at(packet.pos, compared_) == compared_.size() &&
           std::equal(compared_.begin(), compared_.end(), packet.data);
  }

  bool read_placed(std::size_t place, AVPacket& packet) const {
    auto const [at, size] = places_[place];
    if (av_new_packet(&packet, size) < 0) fail<Error>("FFmpeg could not allocate memory");
    packet.dts = facts_[place].dts;
    packet.flags = (facts_[place].key ? AV_PKT_FLAG_KEY : 0) |
                   (facts_[place].hidden ? AV_PKT_FLAG_DISCARD : 0);
    return source_->read_at(at, {packet.data, std::size_t(size)}) == std::size_t(size);
  }

  bool read_up_to(std::size_t place, AVPacket& packet) {
    if (place < position_) {
      open();
      position_ = 0;
    }
    for (;; ++position_) {
      av_packet_unref(&packet);
      if (!read(packet)) return false;
      if (position_ == place) break;
    }
    ++position_;
    return true;
  }

  /// An AVI says when its frames are decoded. Where at most one is held back for reordering (not in
  /// H.264 and HEVC), a reference frame is shown when the next one is decoded.
  void restore_moments() {
    AVCodecParameters const& coded = *stream().codecpar;
    bool const simple = coded.video_delay == 1 && coded.codec_id != AV_CODEC_ID_H264 &&
                        coded.codec_id != AV_CODEC_ID_HEVC;
    if (!simple || facts_.empty() || facts_.back().dts == AV_NOPTS_VALUE) return;
    std::int64_t next = facts_.back().dts + 1;
    for (std::size_t p = facts_.size(); p-- > 0;) {
      if (facts_[p].pts != AV_NOPTS_VALUE) continue;
      facts_[p].pts = next;
      next = facts_[p].dts;
    }
  }

  void open() {
    demuxer_.reset();
    reader_.emplace(source_, deadline_);
    demuxer_ = detail::open_container(file_, *reader_, deadline_);
    if (stream_ < 0) choose_stream();
    for (unsigned s = 0; s < demuxer_->nb_streams; ++s) {
      demuxer_->streams[s]->discard = int(s) == stream_ ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    }
  }

  void choose_stream() {
    auto const streams = detail::video_streams(*demuxer_);
    if (streams.empty()) fail<InputError>(file_, ": holds no video");
    stream_ = streams.front();
    if (streams.size() == 1) return;
    Packet const packet = make_packet();
    bool moved = false;
    auto const frames = detail::frames_of_streams(*demuxer_, streams, [&] {
      moved = true;
      av_packet_unref(packet.get());
      return read_any(*packet) ? packet->stream_index : -1;
    });
    stream_ = detail::best_stream(*demuxer_, frames);
    if (moved) open();  // from the beginning
  }

  /// The next packet of any stream. \return false at the end of what can be read
  bool read_any(AVPacket& packet) {
    deadline_.check(file_);
    int const code = av_read_frame(demuxer_.get(), &packet);
    reader_->rethrow();
    if (code < 0) deadline_.check(file_);
    return code >= 0;
  }

  /// The next packet of the video. \return false at the end of what can be read
  bool read(AVPacket& packet) {
    while (read_any(packet)) {
      if (packet.stream_index == stream_) return true;
      av_packet_unref(&packet);
    }
    return false;
  }

  std::shared_ptr<ByteSource const> source_;
  std::string file_;
  Deadline& deadline_;
  std::optional<SourceReader> reader_;
  Demuxer demuxer_;
  int stream_ = -1;
  AVRational rate_{0, 1};
  std::vector<PacketFacts> facts_;   ///< in the file's order
  std::vector<std::int64_t> shown_;  ///< moments of the shown frames, ascending
  std::int64_t end_ =
      std::numeric_limits<std::int64_t>::min();  ///< when the last one's time is over
  bool timed_ = false;
  struct Place {
    std::int64_t at;  ///< bytes from the file's beginning
    int size;         ///< bytes
  };
  std::vector<Place> places_;  ///< of all packets, or none
  std::vector<Packet> kept_;   ///< all packets, or none
  std::size_t position_ = 0;   ///< of the packet that `read` gives next
  std::vector<std::uint8_t> compared_;
};

}  // namespace vcflash::media
