#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <vcflash/media/ffmpeg.hpp>

namespace vcflash::media {

namespace detail {

struct CloseParser {
  void operator()(AVCodecParserContext* parser) const { av_parser_close(parser); }
};

}  // namespace detail

/// Looks into packets whether decoding may begin at them. A container in which *every* packet is
/// flagged as a key frame most likely does not know: mp4 without a table of sync samples says so,
/// and fragments whose flags were never set.
class KeyFrameCheck {
 public:
  explicit KeyFrameCheck(AVStream const& stream) {
    AVCodecParameters const& coded = *stream.codecpar;
    AVCodecDescriptor const* const codec = avcodec_descriptor_get(coded.codec_id);
    open_ = codec == nullptr || (codec->props & AV_CODEC_PROP_INTRA_ONLY) == 0;
    if (!open_) return;
    parser_.reset(av_parser_init(coded.codec_id));
    if (!parser_) return;
    parser_->flags |= PARSER_FLAG_COMPLETE_FRAMES;
    codec_ = allocated(Codec(avcodec_alloc_context3(nullptr)));
    avcodec_parameters_to_context(codec_.get(), &coded);
  }

  /// Takes a stream's packets in the file's order. Ends at the first that is not flagged: then the
  /// container knows.
  void add(AVPacket const& packet) {
    if (!open_) return;
    open_ = (packet.flags & AV_PKT_FLAG_KEY) != 0;
    if (open_) keys_.push_back(keys_.empty() || begins_decoding(packet));
  }

  /// \return for each packet whether decoding may begin at it, where the flags are not to be
  ///   believed: only at the first one if nothing is known of the codec's packets
  std::optional<std::vector<bool>> keys() const {
    if (!open_ || keys_.size() < 2) return {};
    return keys_;
  }

 private:
  bool begins_decoding(AVPacket const& packet) {
    if (!parser_) return false;
    std::uint8_t* out = nullptr;
    int out_bytes = 0;
    av_parser_parse2(parser_.get(), codec_.get(), &out, &out_bytes, packet.data, packet.size,
                     packet.pts, packet.dts, packet.pos);
    return parser_->key_frame == 1 ||
           (parser_->key_frame == -1 && parser_->pict_type == AV_PICTURE_TYPE_I);
  }

  bool open_;  ///< every packet so far was flagged, in a codec that predicts frames from others
  std::unique_ptr<AVCodecParserContext, detail::CloseParser> parser_;
  Codec codec_;
  std::vector<bool> keys_;
};

}  // namespace vcflash::media
