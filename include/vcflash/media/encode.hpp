#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frames.hpp>

namespace vcflash::media {

/// How a clip is written.
struct ClipEncoding {
  double fps = 4;                   ///< frames a second
  int crf = 23;                     ///< libx264's quality: 0 lossless to 51; 23 is its default
  std::string preset = "veryfast";  ///< libx264's trade of time for size
};

namespace detail {

inline Codec make_encoder(AVCodecID id, char const* name, AVPixelFormat format, int height,
                          int width) {
  quiet_ffmpeg();
  AVCodec const* const encoder =
      name != nullptr ? avcodec_find_encoder_by_name(name) : avcodec_find_encoder(id);
  if (encoder == nullptr) {
    fail<Error>("this FFmpeg has no encoder ", name != nullptr ? name : avcodec_get_name(id));
  }
  Codec codec = allocated(Codec(avcodec_alloc_context3(encoder)));
  codec->width = width;
  codec->height = height;
  codec->pix_fmt = format;
  codec->time_base = {1, 1};
  codec->thread_count = 1;
  codec->flags |= AV_CODEC_FLAG_BITEXACT;
  return codec;
}

inline void open_encoder(Codec const& codec, AVDictionary** options) {
  int const opened = avcodec_open2(codec.get(), codec->codec, options);
  av_dict_free(options);
  if (opened < 0) {
    fail<Error>("the encoder ", avcodec_get_name(codec->codec_id), " takes no pictures of ",
                codec->width, " x ", codec->height, ": ", ffmpeg_reason(opened));
  }
}

inline Picture make_picture(AVPixelFormat format, int height, int width) {
  Picture picture = media::make_picture();
  picture->format = format;
  picture->width = width;
  picture->height = height;
  if (av_frame_get_buffer(picture.get(), 0) < 0) fail<Error>("FFmpeg could not allocate a picture");
  return picture;
}

/// RGB rows into a picture of the encoder's format.
class PictureWriter {
 public:
  PictureWriter(AVPixelFormat format, int height, int width)
      : picture_(make_picture(format, height, width)),
        scaler_(sws_getContext(width, height, AV_PIX_FMT_RGB24, width, height, format,
                               SWS_BICUBIC | SWS_ACCURATE_RND, nullptr, nullptr, nullptr)) {
    if (!scaler_) fail<Error>("FFmpeg cannot convert RGB to the encoder's pixels");
  }

  AVFrame* operator()(std::uint8_t const* rgb) {
    av_frame_make_writable(picture_.get());
    std::uint8_t const* const planes[4] = {rgb, nullptr, nullptr, nullptr};
    int const strides[4] = {picture_->width * 3, 0, 0, 0};
    sws_scale(scaler_.get(), planes, strides, 0, picture_->height, picture_->data,
              picture_->linesize);
    return picture_.get();
  }

 private:
  Picture picture_;
  Scaler scaler_;
};

/// Sends one picture (null: the end) and hands every packet that is ready to `take`.
template <class Take>
void encode(Codec const& codec, AVFrame const* picture, Take&& take) {
  int code = avcodec_send_frame(codec.get(), picture);
  Packet const packet = make_packet();
  while (code >= 0 && (code = avcodec_receive_packet(codec.get(), packet.get())) >= 0) {
    take(*packet);
    av_packet_unref(packet.get());
  }
  if (code < 0 && code != AVERROR(EAGAIN) && code != AVERROR_EOF) {
    fail<Error>("encoding failed: ", ffmpeg_reason(code));
  }
}

/// An mp4 file being written.
class Mp4Writer {
 public:
  explicit Mp4Writer(std::string file) : file_(std::move(file)) {
    check(avformat_alloc_output_context2(&context_, nullptr, "mp4", nullptr));
    context_->flags |= AVFMT_FLAG_BITEXACT;
  }
  Mp4Writer(Mp4Writer const&) = delete;
  Mp4Writer& operator=(Mp4Writer const&) = delete;
  ~Mp4Writer() {
    avio_closep(&context_->pb);
    avformat_free_context(context_);
  }

  void begin(Codec const& codec) {
    stream_ = allocated(avformat_new_stream(context_, nullptr));
    check(avcodec_parameters_from_context(stream_->codecpar, codec.get()));
    stream_->time_base = codec->time_base;
    stream_->avg_frame_rate = codec->framerate;
    check(avio_open(&context_->pb, ("file:" + file_).c_str(), AVIO_FLAG_WRITE));
    check(avformat_write_header(context_, nullptr));
  }

  void write(AVPacket& packet, AVRational time_base) {
    packet.stream_index = stream_->index;
    av_packet_rescale_ts(&packet, time_base, stream_->time_base);
    check(av_interleaved_write_frame(context_, &packet));
  }

  void end() {
    check(av_write_trailer(context_));
    check(avio_closep(&context_->pb));
  }

 private:
  void check(int code) const {
    if (code < 0) fail<Error>(file_, ": cannot be written: ", ffmpeg_reason(code));
  }

  std::string file_;
  AVFormatContext* context_ = nullptr;
  AVStream* stream_ = nullptr;
};

inline std::vector<std::uint8_t> encode_picture(Codec const& codec, Image const& image,
                                                AVDictionary* options = nullptr) {
  if (image.height <= 0 || image.width <= 0) fail<Error>("a picture without pixels has no file");
  open_encoder(codec, &options);
  PictureWriter write(codec->pix_fmt, image.height, image.width);
  std::vector<std::uint8_t> bytes;
  auto const keep = [&](AVPacket const& packet) {
    bytes.insert(bytes.end(), packet.data, packet.data + packet.size);
  };
  AVFrame* const picture = write(image.rgb.data());
  picture->quality = codec->global_quality;
  encode(codec, picture, keep);
  encode(codec, nullptr, keep);
  return bytes;
}

}  // namespace detail

/// Writes frames as an H.264 mp4 file, on one thread; the same frames give the same bytes. The
/// file appears under its name only when it is whole.
/// \throws Error if it cannot be written; sides must be even
inline void write_video(std::filesystem::path const& path, Frames const& frames,
                        ClipEncoding const& encoding = {}) {
  if (frames.count <= 0) fail<Error>(path.string(), ": a video needs a frame");
  if (frames.height <= 0 || frames.width <= 0 || frames.height % 2 + frames.width % 2 != 0) {
    fail<Error>(path.string(), ": a clip has even sides, not ", frames.width, " x ", frames.height);
  }
  Codec const codec = detail::make_encoder(AV_CODEC_ID_H264, "libx264", AV_PIX_FMT_YUV420P,
                                           frames.height, frames.width);
  codec->framerate = av_d2q(encoding.fps, 1 << 16);
  codec->time_base = av_inv_q(codec->framerate);
  codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  AVDictionary* options = nullptr;
  av_dict_set_int(&options, "crf", encoding.crf, 0);
  av_dict_set(&options, "preset", encoding.preset.c_str(), 0);
#ifdef __x86_64__
  // What x264's macroblock tree does by AVX-512 depends on memory that nobody wrote.
  if (__builtin_cpu_supports("avx512f")) av_dict_set(&options, "x264-params", "asm=avx2", 0);
#endif
  detail::open_encoder(codec, &options);

  std::filesystem::path const unfinished = path.string() + ".unfinished";
  try {
    detail::Mp4Writer file(unfinished.string());
    file.begin(codec);
    detail::PictureWriter write(codec->pix_fmt, frames.height, frames.width);
    auto const keep = [&](AVPacket& packet) {
      packet.duration = 1;
      file.write(packet, codec->time_base);
    };
    for (int i = 0; i < frames.count; ++i) {
      AVFrame* const picture = write(frames.frame(i).data());
      picture->pts = i;
      detail::encode(codec, picture, keep);
    }
    detail::encode(codec, nullptr, keep);
    file.end();
    std::filesystem::rename(unfinished, path);
  } catch (std::filesystem::filesystem_error const& error) {
    fail<Error>(path.string(), ": cannot be written: ", error.code().message());
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(unfinished, ignored);
    throw;
  }
}

/// \return a PNG file
inline std::vector<std::uint8_t> encode_png(Image const& image) {
  return detail::encode_picture(
      detail::make_encoder(AV_CODEC_ID_PNG, nullptr, AV_PIX_FMT_RGB24, image.height, image.width),
      image);
}

/// \param quality 2 (best) to 31, FFmpeg's scale  \return a JPEG file
inline std::vector<std::uint8_t> encode_jpeg(Image const& image, int quality = 3) {
  Codec codec = detail::make_encoder(AV_CODEC_ID_MJPEG, nullptr, AV_PIX_FMT_YUVJ420P, image.height,
                                     image.width);
  codec->flags |= AV_CODEC_FLAG_QSCALE;
  codec->global_quality = quality * FF_QP2LAMBDA;
  return detail::encode_picture(codec, image);
}

}  // namespace vcflash::media
