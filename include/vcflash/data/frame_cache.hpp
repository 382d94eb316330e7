#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <vcflash/media/frames.hpp>

namespace vcflash::data {

/// Decoded, resized 8-bit frames of one video, and what choosing among them needs to know.
struct CachedFrames {
  media::Frames frames;
  std::vector<std::int64_t> indices;  ///< of the video's frames, one a picture, ascending
  std::int64_t length = 0;            ///< frames of the whole video
  double fps = 0;
  double duration = 0;  ///< seconds

  std::size_t bytes() const { return frames.rgb.size() + sizeof *this + indices.size() * 8; }
};

/// Frames that were wanted before, up to a number of bytes; the ones not wanted for longest go
/// first. Any thread may use it. A small data set seen many times is decoded once.
class FrameCache {
 public:
  /// \param bytes 0 keeps nothing
  explicit FrameCache(std::size_t bytes) : limit_(bytes) {}

  bool enabled() const { return limit_ > 0; }

  /// \return null if they are not there
  std::shared_ptr<CachedFrames const> find(std::string const& key) {
    std::scoped_lock const lock(guard_);
    auto const place = places_.find(key);
    if (place == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, place->second);
    return entries_.front().second;
  }

  void keep(std::string const& key, std::shared_ptr<CachedFrames const> frames) {
    if (frames->bytes() > limit_) return;
    std::scoped_lock const lock(guard_);
    if (places_.contains(key)) return;  // another thread was faster
    used_ += frames->bytes();
    entries_.emplace_front(key, std::move(frames));
    places_[key] = entries_.begin();
    while (used_ > limit_) {
      used_ -= entries_.back().second->bytes();
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
  }

  std::size_t used() const {
    std::scoped_lock const lock(guard_);
    return used_;
  }

 private:
  using Entry = std::pair<std::string, std::shared_ptr<CachedFrames const>>;

  std::size_t limit_, used_ = 0;
  mutable std::mutex guard_;
  std::list<Entry> entries_;  ///< the latest wanted first
  std::unordered_map<std::string, std::list<Entry>::iterator> places_;
};

}  // namespace vcflash::data
