#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include <vcflash/data/row.hpp>
#include <vcflash/meta/error.hpp>
#include <vcflash/meta/vocabulary.hpp>
#include <vcflash/text/turns.hpp>

/// LLaVA-NeXT rows: `{"id", "image": path or [paths], "video": path or [paths], "start", "end",
/// "conversations": [{"from": "human" or "gpt", "value"}, …]}`; other fields are ignored.
namespace vcflash::data {

/// A row whose strings stand in its file or its parser.
struct RowView {
  std::string_view id, read_type;
  Modality modality = Modality::text;
  std::vector<std::string_view> media;
  std::optional<double> start, end;
  std::vector<text::TurnFields> turns;
  std::string problem;

  void clear() {
    id = read_type = {};
    modality = Modality::text;
    media.clear();
    start = end = std::nullopt;
    turns.clear();
    problem.clear();
  }

  /// The words of all turns. Of a good row only.
  std::int64_t words() const {
    std::int64_t words = 0;
    text::for_each_turn(turns, [&](text::TurnView const& turn) { words += words_of(turn.value); });
    return words;
  }

  Row row(std::int64_t number) const {
    Row row;
    row.number = number;
    row.id = id;
    row.modality = modality;
    row.media.assign(media.begin(), media.end());
    row.read_type = read_type;
    row.start = start;
    row.end = end;
    row.problem = problem;
    if (problem.empty()) row.turns = text::read_turns(turns);
    return row;
  }
};

namespace detail {

namespace json = simdjson::ondemand;

/// Syntax errors end the file (or the line); everything else is the row's own problem.
inline bool is_row_problem(simdjson::error_code error) {
  return error == simdjson::STRING_ERROR || error == simdjson::NUMBER_ERROR ||
         error == simdjson::INCORRECT_TYPE;
}

/// Why rows cannot be read.
inline std::string_view reason(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return "it is not UTF-8";
    case simdjson::EMPTY:
      return "it is empty";
    case simdjson::DEPTH_ERROR:
      return "it is nested too deeply";
    case simdjson::CAPACITY:
      return "a row is larger than 4 GB";
    default:
      return "it is not valid JSON";
  }
}

inline std::string_view name_of(json::json_type type) {
  switch (type) {
    case json::json_type::array:
      return "a list";
    case json::json_type::object:
      return "an object";
    case json::json_type::number:
      return "a number";
    case json::json_type::string:
      return "a string";
    case json::json_type::boolean:
      return "true or false";
    default:
      return "null";
  }
}

}  // namespace detail

/// Reads rows of JSON one after the other, without allocating for each. The first thing wrong with
/// a row becomes its problem.
class RowReader {
 public:
  /// \param text one JSON value, behind which `simdjson::SIMDJSON_PADDING` bytes can be read
  /// \return the row, valid until the next call
  /// \throws simdjson::simdjson_error if it is no JSON; `location` says where
  RowView const& read(std::string_view text) {
    row_.clear();
    begun_ = false;
    document_ = parser_.iterate(text.data(), text.size(), text.size() + simdjson::SIMDJSON_PADDING);
    begun_ = true;
    auto const type = static_cast<json_type>(document_.type());
    if (type != json_type::object) {
      blame("is {}, not an object", detail::name_of(type));
      return row_;
    }
    read_fields(Value(document_.get_value()).get_object());
    if (char const* rest = nullptr; !document_.current_location().get(rest))
      blame("has text after its object");
    return row_;
  }

  /// Where reading stopped, or null.
  char const* location() {
    char const* location = nullptr;
    return !begun_ || document_.current_location().get(location) ? nullptr : location;
  }

 private:
  using json_type = detail::json::json_type;
  using Value = detail::json::value;

  template <class... Parts>
  void blame(fmt::format_string<Parts...> sentence, Parts&&... parts) {
    if (row_.problem.empty()) row_.problem = fmt::format(sentence, std::forward<Parts>(parts)...);
  }

  template <class Read>
  void guard(std::string_view field, Read&& read) {
    try {
      read();
    } catch (simdjson::simdjson_error const& error) {
      if (!detail::is_row_problem(error.error())) throw;
      blame("has a field {} that is no valid text or number", field);
    }
  }

  void read_fields(detail::json::object object) {
    bool conversations = false;
    for (auto field : object) {
      std::string_view const key = field.unescaped_key();
      Value content = field.value();
      if (key == "conversations") {
        conversations = true;
        guard("conversations", [&] { read_turns(content); });
      } else if (key == "image") {
        guard("image", [&] { read_media(content, Modality::image, key); });
      } else if (key == "video" && row_.modality != Modality::image) {  // an image goes first
        guard("video", [&] { read_media(content, Modality::video, key); });
      } else if (key == "start") {
        guard("start", [&] { row_.start = read_seconds(content, key); });
      } else if (key == "end") {
        guard("end", [&] { row_.end = read_seconds(content, key); });
      } else if (key == "id") {
        guard("id", [&] { row_.id = read_id(content); });
      } else if (key == "video_read_type") {
        guard("video_read_type", [&] { row_.read_type = content.get_string(); });
      }
    }
    if (!conversations) blame("has no conversations");
    if (row_.start && row_.end && *row_.start >= *row_.end)
      blame("starts at {} s, after its end at {} s", *row_.start, *row_.end);
  }

  static std::string_view read_id(Value value) {
    if (static_cast<json_type>(value.type()) == json_type::string) return value.get_string();
    return simdjson::trim(value.raw_json_token());
  }

  void read_media(Value value, Modality modality, std::string_view key) {
    auto const type = static_cast<json_type>(value.type());
    row_.media.clear();  // the last of two equal keys counts, as in Python's json
    row_.modality = modality;
    if (type == json_type::string) {
      row_.media.push_back(value.get_string());
    } else if (type == json_type::array) {
      for (Value item : value.get_array()) {
        auto const item_type = static_cast<json_type>(item.type());
        if (item_type == json_type::string)
          row_.media.push_back(item.get_string());
        else
          blame("has {} in its list {}, not a path", detail::name_of(item_type), key);
      }
      if (row_.media.empty()) blame("has an empty list as {}", key);
    } else {
      blame("has {} as {}, not a path", detail::name_of(type), key);
    }
  }

  std::optional<double> read_seconds(Value value, std::string_view key) {
    auto const type = static_cast<json_type>(value.type());
    if (type == json_type::number) return double(value.get_double());
    if (type == json_type::null) return std::nullopt;
    if (type == json_type::string) {
      std::string_view const text = value.get_string();
      double seconds = 0;
      auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
      if (error == std::errc() && stop == text.data() + text.size()) return seconds;
      blame("has {} \"{}\", not a number of seconds", key, text);
      return std::nullopt;
    }
    blame("has {} as {}, not a number of seconds", detail::name_of(type), key);
    return std::nullopt;
  }

  void read_turns(Value value) {
    auto const type = static_cast<json_type>(value.type());
    row_.turns.clear();
    if (type != json_type::array) {
      blame("has {} as conversations, not a list of turns", detail::name_of(type));
      return;
    }
    for (Value item : value.get_array()) read_turn(item);
    if (!row_.problem.empty()) return;
    try {
      text::for_each_turn(row_.turns, [](text::TurnView const&) {});
    } catch (InputError const& error) {
      blame("has conversations that cannot be used: {}", error.what());
    }
  }

  void read_turn(Value value) {
    auto& turn = row_.turns.emplace_back();
    std::size_t const number = row_.turns.size() - 1;
    auto const type = static_cast<json_type>(value.type());
    if (type != json_type::object) {
      blame("has {} as turn {} of its conversations", detail::name_of(type), number);
      return;
    }
    for (auto field : value.get_object()) {
      std::string_view const key = field.unescaped_key();
      auto* const part = key == "from"      ? &turn.from
                         : key == "value"   ? &turn.value
                         : key == "role"    ? &turn.role
                         : key == "content" ? &turn.content
                                            : nullptr;
      if (part == nullptr) continue;
      Value content = field.value();
      auto const content_type = static_cast<json_type>(content.type());
      if (content_type == json_type::string)
        *part = std::string_view(content.get_string());
      else
        blame("has {} in turn {} of its conversations, not text", detail::name_of(content_type),
              number);
    }
  }

  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
  bool begun_ = false;
  RowView row_;
};

}  // namespace vcflash::data
