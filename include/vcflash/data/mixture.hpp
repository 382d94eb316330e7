#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>
#include <yaml-cpp/yaml.h>

#include <vcflash/data/annotation.hpp>
#include <vcflash/meta/error.hpp>
#include <vcflash/recipe/vocabulary.hpp>

/// Data mixtures, upstream's `data_path` YAML: which annotation files, how much of each, and where
/// the media are.
///
///     datasets:
///       - json_path: annotations/next_qa.jsonl   # .json or .jsonl
///         sampling_strategy: first:25%           # all (default), first:N, end:N, firstK:N
///         data_root: media/video                 # put before each row's media path
///         media_type: video                      # image, video, text or mix; default: as row 0
///         video_read_type: decord                # how upstream reads the set's videos
///
/// Relative paths start at the mixture file's folder. `firstK:N` is the K-th N rows.
namespace vcflash::data {

enum class MediaType { text, image, video, mix };

constexpr std::string_view name_of(MediaType type) {
  constexpr std::array<std::string_view, 4> names{"text", "image", "video", "mix"};
  return names[static_cast<std::size_t>(type)];
}

/// One entry of a mixture, as written.
struct DataSet {
  std::string json_path, data_root, video_read_type;
  std::string sampling_strategy = "all";
  std::optional<MediaType> media_type;
  std::int64_t first = 0, count = 0;  ///< its rows within `Mixture::rows`
};

/// A row that is left out, and why.
struct BrokenRow {
  std::string file;
  std::int64_t row = 0;
  std::string problem;

  std::string sentence() const { return fmt::format("{}: row {} {}.", file, row, problem); }
};

struct Mixture {
  std::filesystem::path folder;  ///< where relative paths start
  std::vector<DataSet> sets;
  std::vector<Row> rows;  ///< set after set; media paths have their data_root before them
  std::vector<BrokenRow> broken;

  /// The file that a media path of a row means.
  std::filesystem::path file_of(std::string const& media) const { return folder / media; }
};

struct MixtureOptions {
  bool allow_outside = false;  ///< media paths may be absolute or leave their data_root by ".."
};

namespace detail {

/// The slice of `rows` rows that a sampling strategy means; `fail(what)` reports a wrong one.
template <class Fail>
std::pair<std::int64_t, std::int64_t> slice_of(std::string const& strategy, std::int64_t rows,
                                               Fail const& fail) {
  if (strategy == "all") return {0, rows};
  auto const colon = strategy.find(':');
  std::string const kind = strategy.substr(0, colon);
  std::int64_t block = 1;  // the K of firstK
  bool known = kind == "all" || kind == "end" || kind == "first";
  if (!known && kind.size() == 6 && kind.starts_with("first") && kind[5] >= '2' && kind[5] <= '9') {
    known = true;
    block = kind[5] - '0';
  }
  if (kind == "random") fail("random sampling would change from run to run: use first or end");
  if (!known) fail("expected all, first:N, end:N or firstK:N, where N may be a percentage");
  if (kind == "all") return {0, rows};
  if (colon == strategy.npos) fail("the number is missing, for instance first:25%");
  std::string number = strategy.substr(colon + 1);
  bool const percent = number.find('%') != number.npos;
  number = number.substr(0, number.find('%'));
  number.erase(0, number.find_first_not_of(' '));
  number.erase(number.find_last_not_of(' ') + 1);
  if (number.empty() || number.size() > 15 ||
      !std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; }))
    fail("the number must be a whole number of rows or per cent, not negative");
  std::int64_t amount = std::atoll(number.c_str());
  if (percent) amount = amount > 100 ? rows : (rows * amount + 99) / 100;
  if (amount == 0) fail("it takes no row: leave the set out instead");
  amount = std::min(amount, rows);
  if (kind == "end") return {rows - amount, amount};
  std::int64_t const first = std::min((block - 1) * amount, rows);
  if (first == rows) fail("the file has too few rows for it");
  return {first, std::min(amount, rows - first)};
}

/// Python's os.path.join, which upstream's paths are made by.
inline std::string join_path(std::string const& root, std::string const& path) {
  if (root.empty() || path.starts_with('/')) return path;
  return root.ends_with('/') ? root + path : root + '/' + path;
}

inline bool leaves_root(std::string const& path) {
  auto const normal = std::filesystem::path(path).lexically_normal();
  return normal.is_absolute() || (!normal.empty() && *normal.begin() == "..");
}

/// Reads the YAML itself.
class MixtureFile {
 public:
  explicit MixtureFile(std::filesystem::path const& path) : file_(path.string()) {
    if (path.extension() != ".yaml") fail("a data mixture is a .yaml file", ".");
    std::ifstream stream(path, std::ios::binary);
    if (!stream)
      fail("the data mixture cannot be opened",
           std::filesystem::exists(path) ? "." : " (there is no such file).");
    std::string const text((std::istreambuf_iterator<char>(stream)), {});
    if (!simdjson::validate_utf8(text.data(), text.size())) fail("it is not UTF-8", ".");
    std::vector<YAML::Node> documents;
    try {
      documents = YAML::LoadAll(text);
      if (documents.size() > 1) fail("it holds more than one YAML document", ", expected one.");
      if (!documents.empty()) read(documents[0]);
    } catch (YAML::Exception const& error) {
      fail(fmt::format("is no valid YAML: line {}, column {}: {}", error.mark.line + 1,
                       error.mark.column + 1, error.msg),
           ".");
    }
    if (sets_.empty()) fail("it has no list datasets with at least one entry", ".");
  }

  std::vector<DataSet> take() { return std::move(sets_); }

 private:
  [[noreturn]] void fail(std::string_view what, std::string_view rest) const {
    throw InputError(fmt::format("{}: {}{}", file_, what, rest));
  }

  void read(YAML::Node const& top) {
    if (!top.IsMap()) fail("expected a mapping with a list datasets at the top", ".");
    YAML::Node list;
    for (auto const& entry : top)
      if (entry.first.IsScalar() && entry.first.Scalar() == "datasets") list.reset(entry.second);
    if (!list.IsSequence()) fail("datasets must be a list of entries", ".");
    for (auto const& entry : list) read_set(entry);
  }

  void read_set(YAML::Node const& node) {
    DataSet set;
    bool path = false;
    if (!node.IsMap()) fail(fmt::format("entry {} of datasets is no mapping", sets_.size()), ".");
    read_fields(node, set, path);
    if (!path) fail(fmt::format("entry {} of datasets has no json_path", sets_.size()), ".");
    sets_.push_back(std::move(set));
  }

  void read_fields(YAML::Node const& node, DataSet& set, bool& path) {
    for (auto const& entry : node)  // merged mappings first, so that the entry's own fields win
      if (entry.first.IsScalar() && entry.first.Scalar() == "<<") {
        if (entry.second.IsMap()) read_fields(entry.second, set, path);
        if (entry.second.IsSequence())
          for (std::size_t i = entry.second.size(); i > 0; --i)
            if (entry.second[i - 1].IsMap()) read_fields(entry.second[i - 1], set, path);
      }
    for (auto const& entry : node) {  // the last of two equal keys counts
      if (!entry.first.IsScalar()) continue;
      std::string const key = entry.first.Scalar();
      if (key == "json_path") {
        set.json_path = text_of(entry.second, key);
        path = true;
      } else if (key == "data_root") {
        set.data_root = text_of(entry.second, key);
      } else if (key == "sampling_strategy") {
        set.sampling_strategy = text_of(entry.second, key);
      } else if (key == "video_read_type") {
        set.video_read_type = text_of(entry.second, key);
      } else if (key == "media_type") {
        set.media_type = media_type_of(text_of(entry.second, key));
      }
    }
  }

  /// A string, not one of the plain scalars that YAML reads as a number, a boolean or null.
  std::string text_of(YAML::Node const& node, std::string const& key) const {
    bool const quoted = node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str";
    std::string const value = node.IsScalar() ? node.Scalar() : "";
    double number = 0;
    bool const text =
        node.IsScalar() &&
        (quoted || (node.Tag() == "?" && !YAML::convert<double>::decode(node, number) &&
                    value != "null" && value != "~" && !value.empty() && !is_boolean(value)));
    if (!text)
      fail(fmt::format("entry {} of datasets: {} must be text", sets_.size(), key),
           value.empty() ? "." : fmt::format(", not {}.", value));
    return value;
  }

  static bool is_boolean(std::string value) {
    std::transform(value.begin(), value.end(), value.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    constexpr std::array<std::string_view, 6> words{"true", "false", "yes", "no", "on", "off"};
    return std::find(words.begin(), words.end(), value) != words.end();
  }

  MediaType media_type_of(std::string const& value) const {
    for (auto const type : {MediaType::text, MediaType::image, MediaType::video, MediaType::mix})
      if (name_of(type) == value) return type;
    fail(fmt::format("entry {} of datasets: media_type {} is none of", sets_.size(), value),
         " text, image, video, mix.");
  }

  std::string file_;
  std::vector<DataSet> sets_;
};

/// Puts a set's data_root before the row's media and checks what the set promises.
inline void place_media(Row& row, DataSet const& set, MixtureOptions const& options) {
  if (!row.problem.empty()) return;
  auto const type = *set.media_type;
  if (type == MediaType::image || type == MediaType::video) {
    if (name_of(row.modality) != name_of(type)) {
      row.problem = fmt::format("has no {}, as the other rows of its set have (media_type: {})",
                                name_of(type), name_of(type));
      return;
    }
  }
  for (std::string& path : row.media) {
    if (!options.allow_outside && leaves_root(path)) {
      row.problem = fmt::format("has the media path {}, which leaves its data_root", path);
      return;
    }
    if (type == MediaType::image || type == MediaType::video) path = join_path(set.data_root, path);
  }
}

/// Of a set's first three rows at least one must have its medium, or the data_root is wrong.
inline void check_first_media(Mixture const& mixture, DataSet const& set,
                              std::filesystem::path const& yaml) {
  if (set.video_read_type == "fake") return;
  if (set.media_type == MediaType::text || set.media_type == MediaType::mix) return;
  std::string tried;
  for (std::int64_t i = set.first; i < set.first + std::min<std::int64_t>(3, set.count); ++i) {
    tried = mixture.rows[static_cast<std::size_t>(i)].media.front();
    std::error_code ignored;
    if (std::filesystem::exists(mixture.file_of(tried), ignored)) return;
  }
  throw InputError(fmt::format(
      "{}: none of the first media files of {} exists (the last tried is {}); is data_root right?",
      yaml.string(), set.json_path, mixture.file_of(tried).string()));
}

}  // namespace detail

/// Reads a mixture and all its annotation files.
/// \throws InputError if a file cannot be read, says what it may not, or leaves no row to use
inline Mixture read_mixture(std::filesystem::path const& path, MixtureOptions options = {}) {
  Mixture mixture;
  mixture.folder = path.parent_path();
  for (DataSet& set : detail::MixtureFile(path).take()) {
    auto const file = mixture.file_of(set.json_path);
    auto rows = read_annotations(file);
    if (!set.media_type) {
      constexpr std::array<MediaType, 3> types{MediaType::text, MediaType::image, MediaType::video};
      set.media_type = types[static_cast<std::size_t>(rows.front().modality)];
    }
    auto const [first, count] = detail::slice_of(
        set.sampling_strategy, static_cast<std::int64_t>(rows.size()), [&](std::string_view why) {
          throw InputError(fmt::format("{}: sampling_strategy \"{}\" of {}: {}.", path.string(),
                                       set.sampling_strategy, set.json_path, why));
        });
    set.first = static_cast<std::int64_t>(mixture.rows.size());
    std::size_t const broken_before = mixture.broken.size();
    for (std::int64_t i = first; i < first + count; ++i) {
      Row& row = rows[static_cast<std::size_t>(i)];
      detail::place_media(row, set, options);
      if (row.problem.empty())
        mixture.rows.push_back(std::move(row));
      else
        mixture.broken.push_back({file.string(), row.number, row.problem});
    }
    set.count = static_cast<std::int64_t>(mixture.rows.size()) - set.first;
    if (set.count == 0)
      throw InputError(fmt::format("{}: {} leaves no row to use; the first reason: row {} {}.",
                                   path.string(), set.json_path, mixture.broken[broken_before].row,
                                   mixture.broken[broken_before].problem));
    detail::check_first_media(mixture, set, path);
    mixture.sets.push_back(std::move(set));
  }
  return mixture;
}

/// How many words a row's turns hold, upstream's estimate of its length (Python's `split()`).
inline std::int64_t words_of(Row const& row) {
  std::int64_t words = 0;
  for (auto const& turn : row.turns) {
    bool inside = false;
    std::string_view const text = turn.value;
    for (std::size_t i = 0; i < text.size();) {
      auto const byte = static_cast<unsigned char>(text[i]);
      std::size_t size = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
      size = std::min(size, text.size() - i);
      std::string_view const character = text.substr(i, size);
      bool space = size == 1 && ((byte >= 9 && byte <= 13) || (byte >= 28 && byte <= 32));
      space = space || character == "\u0085" || character == "\u00A0" || character == "\u1680" ||
              (character >= "\u2000" && character <= "\u200A" && size == 3) ||
              character == "\u2028" || character == "\u2029" || character == "\u202F" ||
              character == "\u205F" || character == "\u3000";
      if (!space && !inside) ++words;
      inside = !space;
      i += size;
    }
  }
  return words;
}

/// A row's length for grouping: words, negative without a medium; upstream's `modality_lengths`.
inline std::int64_t modality_length(Row const& row) {
  std::int64_t const words = words_of(row);
  return row.media.empty() ? -words : words;
}

}  // namespace vcflash::data
