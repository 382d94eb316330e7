#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/media/ffmpeg.hpp>

namespace vcflash::data {

/// A sample that could not be made, and what was done.
struct BadSample {
  std::string id;        ///< as the annotation has it; may be empty
  std::string file;      ///< the annotation file, or the medium
  std::int64_t row = 0;  ///< of the mixture, or (`left_out`) of the annotation file
  std::string reason;
  bool left_out = false;  ///< the annotation is of the wrong shape; else another row took its place
  bool given_up = false;  ///< the medium takes longer than it may
};

/// The file that names bad samples, a line of JSON each.
class BadSampleFile {
 public:
  /// \param path empty: nothing is written  \param limit that what is given up took longer than
  BadSampleFile(std::filesystem::path path, media::TimeLimit const& limit)
      : path_(std::move(path)), limit_(name_of(limit)) {}

  void add(BadSample const& bad) const {
    if (path_.empty()) return;
    nlohmann::ordered_json line{{"id", bad.id},
                                {"file", bad.file},
                                {"row", bad.row},
                                {"reason", bad.reason},
                                {"left_out", bad.left_out}};
    if (bad.given_up) line["given_up"] = limit_;
    std::ofstream(path_, std::ios::app)
        << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  }

  /// The media that an earlier run into the same folder gave up under the same limit.
  std::set<std::string> given_up() const {
    std::set<std::string> media;
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) {
      auto const row = nlohmann::json::parse(line, nullptr, false);
      if (row.is_object() && row.value("given_up", nlohmann::json()) == limit_ &&
          row.contains("file") && row["file"].is_string())
        media.insert(row["file"].get<std::string>());
    }
    return media;
  }

 private:
  static std::string name_of(media::TimeLimit const& limit) {
    return fmt::format("{} ms and {} s a second", limit.base.count(), limit.of_each_second);
  }

  std::filesystem::path path_;
  std::string limit_;
};

/// Media that took too long and are not tried again. Any thread may use it.
class GivenUp {
 public:
  explicit GivenUp(std::set<std::string> media) : media_(std::move(media)) {}

  bool contains(std::string const& medium) const {
    std::scoped_lock const lock(guard_);
    return media_.contains(medium);
  }

  void add(std::string const& medium) {
    std::scoped_lock const lock(guard_);
    media_.insert(medium);
  }

 private:
  mutable std::mutex guard_;
  std::set<std::string> media_;
};

}  // namespace vcflash::data
