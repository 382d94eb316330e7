#pragma once

#include <fmt/format.h>
#include <simdjson.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/base/nearest.hpp>
#include <vcflash/data/mixture_file.hpp>

namespace vcflash::data {

namespace detail {

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
  static constexpr std::array<std::string_view, 2> top_keys{"datasets", "roots"};
  static constexpr std::array<std::string_view, 7> set_keys{
      "json_path",         "data_root",  "annotations_from", "media_from",
      "sampling_strategy", "media_type", "video_read_type"};

  [[noreturn]] void fail(std::string_view what, std::string_view rest) const {
    throw InputError(fmt::format("{}: {}{}", file_, what, rest));
  }

  void read(YAML::Node const& top) {
    if (!top.IsMap()) fail("expected a mapping with a list datasets at the top", ".");
    YAML::Node list;
    for (auto const& entry : top) {
      if (!entry.first.IsScalar()) continue;
      std::string const key = entry.first.Scalar();
      if (key == "datasets") {
        list.reset(entry.second);
      } else if (key == "roots") {
        read_roots(entry.second);
      } else if (auto const meant = nearest(key, top_keys); edit_distance(key, meant) <= 2) {
        fail(fmt::format("the key {} is not read", key), fmt::format("; write {}.", meant));
      }  // else a mapping that the entries merge
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
      } else if (key == "repeat") {
        set.repeat = repeat_of(entry.second);
      } else if (key != "<<") {
        fail(fmt::format("entry {} of datasets has the key {}, which is not read", sets_.size(),
                         key),
             fmt::format("; the nearest is {}.", nearest(key, set_keys)));
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

  double repeat_of(YAML::Node const& node) const {
    constexpr double most = 1000;
    double repeat = 0;
    if (!node.IsScalar() || !YAML::convert<double>::decode(node, repeat) || !(repeat > 0) ||
        repeat > most)
      fail(fmt::format("entry {} of datasets: repeat must be a number above 0", sets_.size()),
           fmt::format(", up to {}.", most));
    return repeat;
  }

  static bool is_boolean(std::string value) {
    std::transform(value.begin(), value.end(), value.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    constexpr std::array<std::string_view, 6> words{"true", "false", "yes", "no", "on", "off"};
    return std::find(words.begin(), words.end(), value) != words.end();
  }

  MediaType media_type_of(std::string const& value) const {
    for (auto const type : all_media_types)
      if (name_of(type) == value) return type;
    fail(fmt::format("entry {} of datasets: media_type {} is none of", sets_.size(), value),
         " text, image, video, any, mix.");
  }

  std::string file_;
  std::map<std::string, std::string> roots_;
  std::vector<DataSet> sets_;
  int merged_ = 0;  ///< mappings that the present entry is read from
};

}  // namespace detail

VCFLASH_INLINE std::vector<DataSet> read_mixture_file(std::filesystem::path const& path) {
  return detail::MixtureFile(path).take();
}

}  // namespace vcflash::data
