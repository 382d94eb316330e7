#pragma once

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/app/inspect/parallel.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/base/error.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/frame_reader.hpp>
#include <vcflash/media/byte_source.hpp>
#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frame_folder.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/video.hpp>

namespace vcflash::app {

/// A file or folder that rows show.
struct MediaFile {
  std::string path, read_type;
  Modality modality = Modality::video;
  auto operator<=>(MediaFile const&) const = default;
};

/// What is found out about a medium.
struct MediaFacts {
  bool missing = false;
  std::string problem;        ///< empty: it can be read
  std::int64_t length = 0;    ///< frames of a video; 0: not looked at
  double fps = 0;             ///< its frames a second
  int width = 0, height = 0;  ///< pixels of an image; 0: not looked at
  std::string remark;         ///< what is odd about it though it can be read
  bool may_pass = false;      ///< the problem is of reading, not of the medium: look again
};

namespace detail {

/// What a film says of its rate where its frames' own times tell another.
inline std::string remark_on_rate(std::string const& path, media::VideoInfo const& info) {
  constexpr double much = 2;
  double const moments = info.moments_fps;
  if (moments <= 0 || (info.fps < much * moments && moments < much * info.fps)) return {};
  return fmt::format(
      "{}: claims {:.4g} frames a second and is taken for {:.2f} s; its frames are shown at {:.4g} "
      "a "
      "second, for {:.2f} s",
      path, info.fps, info.duration, moments, static_cast<double>(info.shown) / moments);
}

/// Opens a medium and decodes some of it.
inline MediaFacts open_medium(MediaFile const& medium) {
  MediaFacts facts;
  try {
    if (medium.modality == Modality::image) {
      auto const image = media::read_image(medium.path);
      facts.width = image.width;
      facts.height = image.height;
      return facts;
    }
    if (!data::is_read_type(medium.read_type))
      throw InputError(fmt::format("video_read_type {} is none", medium.read_type));
    if (medium.read_type == "img") {
      auto const frames = media::list_frames(medium.path);
      if (frames.empty()) throw InputError(medium.path + ": holds no frames");
      media::read_image(frames[frames.size() / 2]);
      facts.length = static_cast<std::int64_t>(frames.size());
      facts.fps = 1;  // without a clip every file counts as a second
      return facts;
    }
    auto const info = media::probe_video(medium.path);
    bool const gif = medium.read_type == "gif";
    facts.length = gif ? info.shown : info.length;
    facts.fps = gif ? 1 : info.fps;
    if (!gif) facts.remark = remark_on_rate(medium.path, info);
    media::FrameRequest request;
    request.max_frames = 4;
    media::read_video(medium.path, request, 32);
  } catch (media::ReadError const& error) {
    facts.problem = error.what();
    facts.may_pass = true;
  } catch (media::TooSlow const& error) {
    facts.problem = error.what();
    facts.may_pass = true;
  } catch (std::exception const& error) {
    facts.problem = error.what();
  }
  return facts;
}

/// What a medium was when it was looked at.
inline std::string state_of(std::filesystem::path const& path) {
  std::error_code error;
  auto const time = std::filesystem::last_write_time(path, error).time_since_epoch().count();
  auto const size = std::filesystem::is_directory(path, error)
                        ? 0
                        : static_cast<std::int64_t>(std::filesystem::file_size(path, error));
  return fmt::format("{} {}", size, time);
}

}  // namespace detail

/// Media that were looked at, a line of a file each, so that a check that was stopped goes on.
class MediaJournal {
 public:
  explicit MediaJournal(std::filesystem::path const& path) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      auto const row = nlohmann::json::parse(line, nullptr, false);
      if (!row.is_object()) continue;  // the last line of a check that was killed
      try {
        known_[row.at("path").get<std::string>() + '\n' + row.at("read").get<std::string>()] = {
            row.at("state").get<std::string>(),
            {.problem = row.at("problem").get<std::string>(),
             .length = row.at("length").get<std::int64_t>(),
             .fps = row.at("fps").get<double>(),
             .width = row.at("width").get<int>(),
             .height = row.at("height").get<int>(),
             .remark = row.at("remark").get<std::string>()}};
      } catch (nlohmann::json::exception const&) {
        continue;
      }
    }
    file.close();
    out_.open(path, std::ios::app);
    if (!out_) throw Error(fmt::format("{}: cannot be written.", path.string()));
  }

  /// \return null if it is not known, or has changed since
  MediaFacts const* find(MediaFile const& medium) const {
    auto const found = known_.find(medium.path + '\n' + medium.read_type);
    if (found == known_.end() || found->second.first != detail::state_of(medium.path))
      return nullptr;
    return &found->second.second;
  }

  void keep(MediaFile const& medium, MediaFacts const& facts) {
    nlohmann::ordered_json const row{{"path", medium.path},
                                     {"read", medium.read_type},
                                     {"state", detail::state_of(medium.path)},
                                     {"problem", facts.problem},
                                     {"length", facts.length},
                                     {"fps", facts.fps},
                                     {"width", facts.width},
                                     {"height", facts.height},
                                     {"remark", facts.remark}};
    out_ << row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    out_.flush();
  }

 private:
  std::map<std::string, std::pair<std::string, MediaFacts>> known_;
  std::ofstream out_;
};

/// Looks at media: whether they are there and, with a journal, whether they can be read.
/// \param journal null: nothing is opened
inline std::vector<MediaFacts> check_media(std::vector<MediaFile> const& media,
                                           MediaJournal* journal, int threads) {
  std::vector<MediaFacts> facts(media.size());
  Progress progress(journal != nullptr ? "opening media" : "looking for media", "file",
                    std::int64_t(media.size()));
  std::mutex guard;
  in_parallel(
      std::int64_t(media.size()), threads, journal != nullptr ? 1 : 256,
      [&](int, std::int64_t first, std::int64_t last) {
        for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
          std::error_code error;
          if (!std::filesystem::exists(media[i].path, error)) {
            facts[i].missing = true;
            facts[i].problem = media[i].path + ": no such file";
            continue;
          }
          if (journal == nullptr) continue;
          if (auto const* const known = journal->find(media[i])) {
            facts[i] = *known;
            continue;
          }
          facts[i] = detail::open_medium(media[i]);
          if (facts[i].may_pass) continue;
          std::scoped_lock const lock(guard);
          journal->keep(media[i], facts[i]);
        }
      },
      [&](std::int64_t done) { progress.update(done); });
  return facts;
}

}  // namespace vcflash::app
