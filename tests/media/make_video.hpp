#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/media/byte_source.hpp>
#include <vcflash/media/encode.hpp>

/// Films of the kinds that people have, made here.
namespace vcflash::test {

/// A stream of a film; its frame `i` is one colour that tells i.
struct FilmStream {
  AVCodecID codec = AV_CODEC_ID_MPEG4;
  std::vector<std::int64_t> milliseconds;  ///< when each frame is shown
  int key_every = 12;
  bool is_default = false;
  int side = 32;
};

/// \return frames shown at a steady rate
inline std::vector<std::int64_t> steadily(int frames, int fps) {
  std::vector<std::int64_t> times;
  for (int i = 0; i < frames; ++i) times.push_back(i * 1000 / fps);
  return times;
}

/// Writes a film, its container by the file's name. Nothing is said of its rate.
/// \param live as it is recorded: nothing is said of its length either (.mkv)
inline void write_film(std::filesystem::path const& path, std::vector<FilmStream> const& streams,
                       bool live = false) {
  using namespace media;
  AVFormatContext* context = nullptr;
  auto const check = [](int code) {
    if (code < 0) fail<Error>("a film for a test: ", ffmpeg_reason(code));
  };
  check(avformat_alloc_output_context2(&context, nullptr, nullptr, path.c_str()));
  context->flags |= AVFMT_FLAG_BITEXACT;
  if (live) check(av_opt_set(context->priv_data, "live", "1", 0));
  std::vector<std::vector<Packet>> packets;
  for (auto const& wanted : streams) {
    bool const jpeg = wanted.codec == AV_CODEC_ID_MJPEG;
    auto const format = jpeg ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
    Codec const codec =
        media::detail::make_encoder(wanted.codec, nullptr, format, wanted.side, wanted.side);
    codec->time_base = {1, 1000};
    codec->gop_size = wanted.key_every;
    if ((context->oformat->flags & AVFMT_GLOBALHEADER) != 0)
      codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    // key frames where they are asked for, and not where the colour changes
    av_opt_set_int(codec.get(), "sc_threshold", 1'000'000'000, AV_OPT_SEARCH_CHILDREN);
    check(avcodec_open2(codec.get(), codec->codec, nullptr));
    AVStream* const stream = avformat_new_stream(context, nullptr);
    check(avcodec_parameters_from_context(stream->codecpar, codec.get()));
    stream->time_base = codec->time_base;
    stream->disposition = wanted.is_default ? AV_DISPOSITION_DEFAULT : 0;
    auto& kept = packets.emplace_back();
    auto const keep = [&](AVPacket const& packet) {
      kept.emplace_back(av_packet_clone(&packet));
      kept.back()->stream_index = stream->index;
    };
    media::detail::PictureWriter write(format, wanted.side, wanted.side);
    for (std::size_t i = 0; i < wanted.milliseconds.size(); ++i) {
      std::vector<std::uint8_t> const rgb(std::size_t(wanted.side * wanted.side) * 3,
                                          std::uint8_t(20 + i * 5 % 200));
      AVFrame* const picture = write(rgb.data());
      picture->pts = wanted.milliseconds[i];
      media::detail::encode(codec, picture, keep);
    }
    media::detail::encode(codec, nullptr, keep);
    kept.back()->duration = 1;  // else an mp4 ends before its last frame
  }
  check(avio_open(&context->pb, ("file:" + path.string()).c_str(), AVIO_FLAG_WRITE));
  check(avformat_write_header(context, nullptr));
  for (auto const& stream : packets) {
    for (auto const& packet : stream) {
      av_packet_rescale_ts(packet.get(), {1, 1000},
                           context->streams[packet->stream_index]->time_base);
      check(av_interleaved_write_frame(context, packet.get()));
    }
  }
  check(av_write_trailer(context));
  avio_closep(&context->pb);
  avformat_free_context(context);
}

/// A source that counts what is read of it and fails where it is told to.
class WatchedSource final : public media::ByteSource {
 public:
  explicit WatchedSource(std::filesystem::path const& path, std::int64_t fails_from = -1)
      : file_(path), fails_from_(fails_from) {}

  std::string const& name() const override { return file_.name(); }
  std::int64_t size() const override { return file_.size(); }
  std::size_t read_at(std::int64_t at, std::span<std::uint8_t> bytes) const override {
    if (fails_from_ >= 0 && at + std::ssize(bytes) > fails_from_)
      fail<media::ReadError>(name(), ": cannot be read: Input/output error");
    auto const count = file_.read_at(at, bytes);
    bytes_ += std::int64_t(count);
    return count;
  }

  std::int64_t bytes_read() const { return bytes_; }

 private:
  media::StoredFile file_;
  std::int64_t fails_from_;
  mutable std::int64_t bytes_ = 0;
};

}  // namespace vcflash::test
