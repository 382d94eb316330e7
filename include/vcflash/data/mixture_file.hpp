#pragma once

#include <fmt/format.h>
#include <simdjson.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/meta/error.hpp>

/// Data mixtures, upstream's `data_path` YAML: which annotation files, how much of each, and where
/// the media are.
///
///     datasets:
///       - json_path: annotations/next_qa.jsonl   # .json or .jsonl
///         sampling_strategy: first:25%           # all (default), first:N, end:N, firstK:N
///         data_root: media/video                 # put before each row's media path
///         media_type: video                      # image, video, text or mix; default: as row 0
///         video_read_type: decord                # video files: decord (default), av or gif;
///                                                # img: folders of frames
///
/// Relative paths start at the mixture file's folder. `json_path: a/{b,c}.json` is two sets that
/// share what else is said. `firstK:N` is the K-th N rows. In `json_path`
/// and `data_root`, `${NAME}` stands for the environment's `VCFLASH_NAME` (in capitals), or else
/// for `NAME` in a mapping `roots` at the top of the file. A set may say where it is had, for
/// people and for messages: `annotations_from`, `media_from`.
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
  std::string annotations_from, media_from;
  std::optional<MediaType> media_type;
  std::int64_t first = 0, count = 0;  ///< its rows among those of the mixture
};

namespace detail {

/// A non-negative number as Python's `int` reads it: blanks around it, single underscores inside,
/// full-width digits.
inline std::optional<std::int64_t> whole_number(std::string_view text) {
  auto const first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  text = text.substr(first, text.find_last_not_of(' ') + 1 - first);
  std::int64_t number = 0;
  bool after_digit = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_' && after_digit) {
      after_digit = false;
      continue;
    }
    char digit = text[i];
    if (text.substr(i, 2) == "\xEF\xBC" && i + 2 < text.size()) {
      digit = static_cast<char>(text[i + 2] - '\x90' + '0');
      i += 2;
    }
    if (digit < '0' || digit > '9' || number > 1'000'000'000'000) return {};
    number = number * 10 + (digit - '0');
    after_digit = true;
  }
  return after_digit ? std::optional(number) : std::nullopt;
}

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
  auto const parsed = whole_number(number.substr(0, number.find('%')));
  if (!parsed) fail("the number must be a whole number of rows or per cent, not negative");
  std::int64_t amount = *parsed;
  if (percent) amount = amount > 100 ? rows : (rows * amount + 99) / 100;
  if (amount == 0) fail("it takes no row: leave the set out instead");
  amount = std::min(amount, rows);
  if (kind == "end") return {rows - amount, amount};
  std::int64_t const first = std::min((block - 1) * amount, rows);
  if (first == rows) fail("the file has too few rows for it");
  return {first, std::min(amount, rows - first)};
}

/// Lets a document pass, to count them.
struct PassingDocument : YAML::EventHandler {
  void OnDocumentStart(YAML::Mark const&) override {}
  void OnDocumentEnd() override {}
  void OnNull(YAML::Mark const&, YAML::anchor_t) override {}
  void OnAlias(YAML::Mark const&, YAML::anchor_t) override {}
  void OnScalar(YAML::Mark const&, std::string const&, YAML::anchor_t,
                std::string const&) override {}
  void OnSequenceStart(YAML::Mark const&, std::string const&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(YAML::Mark const&, std::string const&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

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
    try {
      // Not YAML::LoadAll, which finds documents without end in some files that are no YAML.
      std::istringstream documents(text);
      YAML::Parser parser(documents);
      PassingDocument passing;
      bool const any = parser.HandleNextDocument(passing);
      if (any && parser.HandleNextDocument(passing))
        fail("it holds more than one YAML document", ", expected one.");
      if (any) read(YAML::Load(text));
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
    for (auto const& entry : top) {
      if (!entry.first.IsScalar()) continue;
      if (entry.first.Scalar() == "datasets") list.reset(entry.second);
      if (entry.first.Scalar() == "roots") read_roots(entry.second);
    }
    if (!list.IsSequence()) fail("datasets must be a list of entries", ".");
    for (auto const& entry : list) read_set(entry);
  }

  void read_roots(YAML::Node const& node) {
    if (!node.IsMap()) fail("roots must be a mapping of names to folders", ".");
    for (auto const& entry : node)
      if (entry.first.IsScalar() && entry.second.IsScalar())
        roots_[entry.first.Scalar()] = entry.second.Scalar();
  }

  /// Puts folders in the place of `${NAME}`.
  std::string expanded(std::string text) const {
    for (auto begin = text.find("${"); begin != text.npos; begin = text.find("${", begin)) {
      auto const end = text.find('}', begin);
      if (end == text.npos) fail(fmt::format("{} lacks the brace that ends a name", text), ".");
      std::string const name = text.substr(begin + 2, end - begin - 2);
      std::string folder, variable = "VCFLASH_" + name;
      std::ranges::transform(variable, variable.begin(), [](char c) { return upper(c); });
      if (char const* given = std::getenv(variable.c_str()); given != nullptr && *given != '\0')
        folder = given;
      else if (auto const root = roots_.find(name); root != roots_.end())
        folder = root->second;
      else
        fail(fmt::format("{} names a root {}, which is neither in the file's roots nor set by {}",
                         text, name, variable),
             ".");
      text.replace(begin, end + 1 - begin, folder);
      begin += folder.size();
    }
    return text;
  }

  static char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

  void read_set(YAML::Node const& node) {
    DataSet set;
    bool path = false;
    if (!node.IsMap()) fail(fmt::format("entry {} of datasets is no mapping", sets_.size()), ".");
    merged_ = 0;
    read_fields(node, set, path);
    if (!path) fail(fmt::format("entry {} of datasets has no json_path", sets_.size()), ".");
    for (std::string& json_path : listed(set.json_path)) {
      sets_.push_back(set);
      sets_.back().json_path = std::move(json_path);
    }
  }

  /// The paths that `a/{b,c}.json` stands for; a path without such a list stands for itself.
  static std::vector<std::string> listed(std::string const& path) {
    auto const begin = path.find('{'), end = path.find('}', std::min(begin, path.size()));
    if (end == path.npos || path.find(',', begin) > end) return {path};
    std::vector<std::string> paths;
    for (auto at = begin; at != end;) {
      auto const stop = std::min(path.find(',', at + 1), end);
      paths.push_back(path.substr(0, begin) + path.substr(at + 1, stop - at - 1) +
                      path.substr(end + 1));
      at = stop;
    }
    return paths;
  }

  void read_fields(YAML::Node const& node, DataSet& set, bool& path) {
    constexpr int most_merged = 1000;  // an alias may stand for itself, or for a thousandfold
    if (++merged_ > most_merged)
      fail(fmt::format("entry {} of datasets merges mappings without end", sets_.size()), ".");
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
        set.json_path = expanded(text_of(entry.second, key));
        path = true;
      } else if (key == "data_root") {
        set.data_root = expanded(text_of(entry.second, key));
      } else if (key == "annotations_from") {
        set.annotations_from = text_of(entry.second, key);
      } else if (key == "media_from") {
        set.media_from = text_of(entry.second, key);
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
  std::map<std::string, std::string> roots_;
  std::vector<DataSet> sets_;
  int merged_ = 0;  ///< mappings that the present entry is read from
};

}  // namespace detail

/// Reads the sets that a mixture file lists, and none of their files.
/// \throws InputError naming the file and the entry
inline std::vector<DataSet> read_mixture_file(std::filesystem::path const& path) {
  return detail::MixtureFile(path).take();
}

}  // namespace vcflash::data
