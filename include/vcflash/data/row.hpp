#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/text/turns.hpp>

namespace vcflash::data {

/// One annotated conversation. A row of the wrong shape has a `problem` and is not trained on.
struct Row {
  std::int64_t number = 0;  ///< its place in the file: the list's index, or the line from 1
  std::string id;           ///< as written; empty if there is none
  Modality modality = Modality::text;
  std::vector<std::string> media;    ///< paths: as its file has them; `Mixture`: of the files
  std::string read_type;             ///< how its videos are read; empty: as files of video
  std::string root;                  ///< the folder its media must lie in; empty: any
  std::optional<double> start, end;  ///< seconds
  std::vector<text::Turn> turns;
  std::string problem;  ///< a phrase that follows "row 7 "; empty for a good row
};

namespace detail {

/// Bytes that are white space to Python's `str.split`, and those that may begin a longer one.
inline constexpr auto space_kinds = [] {
  std::array<std::uint8_t, 256> kinds{};
  for (int byte : {9, 10, 11, 12, 13, 28, 29, 30, 31, 32}) kinds[std::size_t(byte)] = 1;
  for (int lead : {0xC2, 0xE1, 0xE2, 0xE3}) kinds[std::size_t(lead)] = 2;
  return kinds;
}();

/// \return bytes of the white space that `text` begins with beyond ASCII; 0: another character
inline std::size_t wide_space(std::string_view text) {
  if (text.starts_with("\u0085") || text.starts_with("\u00A0")) return 2;
  std::string_view const three = text.substr(0, 3);
  bool const space = three == "\u1680" || (three >= "\u2000" && three <= "\u200A") ||
                     three == "\u2028" || three == "\u2029" || three == "\u202F" ||
                     three == "\u205F" || three == "\u3000";
  return space && three.size() == 3 ? 3 : 0;
}

/// Counts words as Python's `split()` does, ASCII a block at a time.
class WordCounter {
 public:
  std::int64_t count(std::string_view text) {
    words_ = 0;
    inside_ = 0;
    std::size_t at = 0;
    while (at + block <= text.size())
      at = ascii_block(text.data() + at) ? at + block : any(text, at, at + block);
    any(text, at, text.size());
    return words_;
  }

 private:
  static constexpr std::size_t block = 64;

  /// Many bytes at a time. \return whether they are ASCII; else nothing was counted
  bool ascii_block(char const* text) {
    std::array<std::uint8_t, block + 1> word;  // for each byte, whether it is part of one
    word[0] = inside_;
    std::uint8_t all = 0;
    for (std::size_t i = 0; i < block; ++i) {
      auto const c = static_cast<std::uint8_t>(text[i]);
      all |= c;
      word[i + 1] = (c != 32) & (static_cast<std::uint8_t>(c - 9) > 4) &
                    (static_cast<std::uint8_t>(c - 28) > 3);
    }
    if ((all & 0x80) != 0) return false;
    std::uint8_t begun = 0;
    for (std::size_t i = 0; i < block; ++i) begun += word[i + 1] & (word[i] ^ 1);
    words_ += begun;
    inside_ = word[block];
    return true;
  }

  /// \return where the last character of [at, end) ends
  std::size_t any(std::string_view text, std::size_t at, std::size_t end) {
    while (at < end) {
      auto const kind = space_kinds[static_cast<unsigned char>(text[at])];
      std::size_t const wide = kind == 2 ? wide_space(text.substr(at)) : 0;
      std::uint8_t const inside = kind == 1 || wide > 0 ? 0 : 1;
      words_ += inside & (inside_ ^ 1);
      inside_ = inside;
      at += wide > 0 ? wide : 1;
    }
    return at;
  }

  std::int64_t words_ = 0;
  std::uint8_t inside_ = 0;
};

}  // namespace detail

/// How many words a text holds, as Python's `split()` counts them.
inline std::int64_t words_of(std::string_view text) { return detail::WordCounter().count(text); }

/// How many words a row's turns hold, upstream's estimate of its length.
inline std::int64_t words_of(Row const& row) {
  std::int64_t words = 0;
  for (auto const& turn : row.turns) words += words_of(turn.value);
  return words;
}

/// A row's length for grouping by modality: words, negative without a medium; upstream's
/// `modality_lengths`.
constexpr std::int64_t modality_length(std::int64_t words, Modality modality) {
  return modality == Modality::text ? -words : words;
}

/// A row's length for grouping by length alone: words, and for a medium about as many tokens as it
/// takes; upstream's `lengths`.
/// \param max_frames of a video
constexpr std::int64_t estimated_length(std::int64_t words, Modality modality,
                                        std::int64_t max_frames) {
  constexpr std::int64_t of_image = 128, of_frame = 16, fewest_frames = 8;
  if (modality == Modality::text) return words;
  if (modality == Modality::image) return words + of_image;
  return words + of_frame * std::max(max_frames, fewest_frames);
}

/// Whether a path, read as it stands, leaves the folder it is put behind.
constexpr bool leaves_root(std::string_view path) {
  if (path.starts_with('/')) return true;
  for (std::int64_t depth = 0; !path.empty();) {
    std::string_view const part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (part.empty() || part == ".") continue;
    depth += part == ".." ? -1 : 1;
    if (depth < 0) return true;
  }
  return false;
}

/// Refuses a file that a symbolic link puts outside a folder, and a folder of frames with such a
/// link in it; what does not exist passes.
/// \param root empty: any file passes
/// \throws InputError naming the file and where it really is
inline void require_inside(std::filesystem::path const& file, std::filesystem::path const& root) {
  if (root.empty()) return;
  std::error_code error;
  auto const folder = std::filesystem::canonical(root, error);
  auto const check = [&](std::filesystem::path const& path) {
    std::error_code missing;
    auto const real = std::filesystem::canonical(path, missing);
    if (missing) return;
    auto const end = std::ranges::mismatch(folder, real).in1;
    if (error || end != folder.end())
      throw InputError(
          fmt::format("{}: is really {}, outside its data_root {}; set "
                      "data.allow_outside_root if that is meant",
                      path.string(), real.string(), root.string()));
  };
  check(file);
  std::error_code unlisted;
  if (!std::filesystem::is_directory(file, unlisted)) return;
  for (auto const& entry : std::filesystem::directory_iterator(file, unlisted))
    if (entry.is_symlink(unlisted)) check(entry.path());
}

}  // namespace vcflash::data
