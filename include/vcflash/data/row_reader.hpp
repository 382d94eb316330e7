#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simdjson.h>

#include <vcflash/base/error.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/json_words.hpp>
#include <vcflash/data/row_keys.hpp>
#include <vcflash/data/row_view.hpp>
#include <vcflash/data/turn_reader.hpp>
#include <vcflash/text/turns.hpp>

/// Rows as LLaVA-NeXT, ms-swift, LLaMA-Factory and Qwen-VL write them; what a row means is found by
/// its keys. Media are `image`, `images`, `video` or `videos`, a path or a list of them; what is
/// said is `conversations` (turns of `from` and `value`) or `messages` (of `role` and `content`, a
/// text or a list of parts); `start` and `end` are seconds. null is as good as absent.
namespace vcflash::data {

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
      row_.blame("is {}, not an object", detail::name_of(type));
      return row_;
    }
    read_fields(Value(document_.get_value()).get_object());
    if (char const* rest = nullptr; !document_.current_location().get(rest))
      row_.blame("has text after its object");
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

  template <class Read>
  void guard(std::string_view field, Read&& read) {
    try {
      read();
    } catch (simdjson::simdjson_error const& error) {
      if (!detail::is_row_problem(error.error())) throw;
      row_.blame("has a field {} that is no valid text or number", field);
    }
  }

  void read_fields(detail::json::object object) {
    said_ = shown_ = {};
    unknown_.clear();
    parts_.clear();
    for (auto field : object) {
      std::string_view const key = field.unescaped_key();
      if (std::ranges::find(detail::row_keys, key) == detail::row_keys.end()) {
        unknown_.push_back(key);
        continue;
      }
      Value content = field.value();
      guard(key, [&] {
        if (static_cast<json_type>(content.type()) != json_type::null) read_field(key, content);
      });
    }
    if (row_.problem.empty()) look_over();
  }

  void read_field(std::string_view key, Value content) {
    if (key == "conversations" || (key == "messages" && said_ != "conversations")) {
      said_ = key;
      TurnReader(row_, parts_).read(content, key);
    } else if (key == "image" || key == "images") {
      read_media(content, Modality::image, key);
    } else if (key == "video" || key == "videos") {
      read_media(content, Modality::video, key);
    } else if (key == "start") {
      row_.start = read_seconds(content, key);
    } else if (key == "end") {
      row_.end = read_seconds(content, key);
    } else if (key == "id") {
      row_.id = read_id(content);
    } else if (key == "video_read_type") {
      row_.read_type = content.get_string();
    }
  }

  /// What is wrong with a row as a whole.
  void look_over() {
    for (std::string_view const key : unknown_) {
      bool const id = key.size() == 2;  // for people; it changes nothing
      if (id || std::ranges::none_of(key, detail::is_capital)) continue;
      auto const meant = std::ranges::find(detail::row_keys, detail::lower_case(key));
      if (meant != detail::row_keys.end())
        return row_.blame("has the key \"{}\", which is not read: write \"{}\"", key, *meant);
    }
    if (said_.empty()) {
      auto const near = detail::like_turns(unknown_);
      if (!near) return row_.blame("has no conversations");
      return row_.blame("has no conversations; its key \"{}\" is not read: write \"messages\"",
                        *near);
    }
    if (!parts_.empty()) take_parts();
    if (row_.start && row_.end && *row_.start >= *row_.end)
      row_.blame("starts at {} s, after its end at {} s", *row_.start, *row_.end);
    if (row_.modality == Modality::video && row_.media.size() > 1 && (row_.start || row_.end))
      row_.blame("has {} videos and a start or an end; parts are taken of one video",
                 row_.media.size());
    if (row_.modality == Modality::video) name_videos_images();
    if (row_.media.empty()) miss_media();
    if (!row_.problem.empty()) return;
    try {
      text::for_each_turn(row_.turns, [](text::TurnView const&) {});
    } catch (InputError const& error) {
      row_.blame("has {} that cannot be used: {}", said_, error.what());
    }
  }

  /// Media that the parts of messages name.
  void take_parts() {
    if (!row_.media.empty())
      return row_.blame("names media in its messages and as {}; one of them must go", shown_);
    row_.modality = parts_.front().modality;
    for (NamedMedium const& part : parts_) {
      row_.media.push_back(part.path);
      if (part.modality != row_.modality) row_.blame("shows images and videos; a row has one kind");
    }
  }

  /// Where the media of a row are videos, others write `<video>` for `<image>`.
  void name_videos_images() {
    constexpr std::string_view video_tag = "<video>";
    if (says(text::image_tag) || !says(video_tag)) return;
    for (text::TurnFields& turn : row_.turns) {
      auto& text = said_by(turn);
      if (text) text = row_.made.emplace_back(text::replaced(*text, video_tag, text::image_tag));
    }
  }

  /// A row without media must mean it.
  void miss_media() {
    auto const near = detail::like_media(unknown_);
    if (near && (says(text::image_tag) || says("<video>")))
      return row_.blame("has no medium for its text; its key \"{}\" is not read: write \"{}\"",
                        near->first, near->second);
    if (says(text::image_tag)) row_.blame("has <image> in its text and neither image nor video");
  }

  bool says(std::string_view tag) {
    return std::ranges::any_of(row_.turns, [&](text::TurnFields& turn) {
      return said_by(turn).value_or("").find(tag) != tag.npos;
    });
  }

  static std::optional<std::string_view>& said_by(text::TurnFields& turn) {
    return turn.role && turn.content ? turn.content : turn.value;
  }

  static std::string_view read_id(Value value) {
    if (static_cast<json_type>(value.type()) == json_type::string) return value.get_string();
    return simdjson::trim(value.raw_json_token());
  }

  void read_media(Value value, Modality modality, std::string_view key) {
    auto const type = static_cast<json_type>(value.type());
    paths_.clear();
    if (type == json_type::string) {
      paths_.push_back(value.get_string());
    } else if (type == json_type::array) {
      for (Value item : value.get_array()) {
        auto const item_type = static_cast<json_type>(item.type());
        if (item_type == json_type::string)
          paths_.push_back(item.get_string());
        else
          row_.blame("has {} in its list {}, not a path", detail::name_of(item_type), key);
      }
      if (paths_.empty() && !is_plural(key)) row_.blame("has an empty list as {}", key);
    } else {
      row_.blame("has {} as {}, not a path", detail::name_of(type), key);
    }
    if (paths_.empty()) return;
    if (!row_.media.empty() && modality != row_.modality) {
      if (is_plural(key) || is_plural(shown_))
        return row_.blame("has {} and {}; a row shows one kind", shown_, key);
      if (modality == Modality::video) return;  // an image goes first, as upstream has it
    }
    std::swap(row_.media, paths_);  // the last of two equal keys counts, as in Python's json
    row_.modality = modality;
    shown_ = key;
  }

  static bool is_plural(std::string_view key) { return key.ends_with('s'); }

  std::optional<double> read_seconds(Value value, std::string_view key) {
    auto const type = static_cast<json_type>(value.type());
    if (type == json_type::number) return double(value.get_double());
    if (type == json_type::null) return std::nullopt;
    if (type == json_type::string) {
      std::string_view const text = value.get_string();
      double seconds = 0;
      auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
      if (error == std::errc() && stop == text.data() + text.size()) return seconds;
      row_.blame("has {} \"{}\", not a number of seconds", key, text);
      return std::nullopt;
    }
    row_.blame("has {} as {}, not a number of seconds", detail::name_of(type), key);
    return std::nullopt;
  }

  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
  bool begun_ = false;
  RowView row_;
  std::string_view said_, shown_;          ///< the keys of its turns and of its media
  std::vector<std::string_view> unknown_;  ///< its other keys
  std::vector<NamedMedium> parts_;         ///< media that its messages name
  std::vector<std::string_view> paths_;    ///< of the media key that is being read
};

}  // namespace vcflash::data
