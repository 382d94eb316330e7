#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include <vcflash/base/chat_template.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/json_words.hpp>
#include <vcflash/data/row_view.hpp>
#include <vcflash/text/turns.hpp>

namespace vcflash::data {

/// A medium that a message names.
struct NamedMedium {
  Modality modality;
  std::string_view path;
};

/// Reads what is said in a row: `conversations` of `from` and `value`, or `messages` of `role` and
/// `content`. The first thing wrong becomes the row's problem.
class TurnReader {
 public:
  using Value = detail::json::value;

  /// \param row whose turns are read  \param media that its messages name
  TurnReader(RowView& row, std::vector<NamedMedium>& media) : row_(row), media_(media) {}

  /// \param key of the turns in the row
  void read(Value value, std::string_view key) {
    auto const type = static_cast<json_type>(value.type());
    row_.turns.clear();
    media_.clear();
    if (type != json_type::array) {
      row_.blame("has {} as {}, not a list of turns", detail::name_of(type), key);
      return;
    }
    for (Value item : value.get_array()) {
      auto& turn = row_.turns.emplace_back();
      auto const item_type = static_cast<json_type>(item.type());
      if (item_type != json_type::object) {
        row_.blame("has {} as turn {} of its {}", detail::name_of(item_type), row_.turns.size() - 1,
                   key);
      } else if (key == "messages") {
        read_message(item, turn);
      } else {
        read_turn(item, turn);
      }
    }
    if (key == "messages" && row_.problem.empty()) drop_system_message();
  }

 private:
  void read_turn(Value value, text::TurnFields& turn) {
    for (auto field : value.get_object()) {
      std::string_view const key = field.unescaped_key();
      auto* const part = key == "from"      ? &turn.from
                         : key == "value"   ? &turn.value
                         : key == "role"    ? &turn.role
                         : key == "content" ? &turn.content
                                            : nullptr;
      if (part != nullptr) *part = read_text(field.value(), "conversations");
    }
  }

  void read_message(Value value, text::TurnFields& turn) {
    for (auto field : value.get_object()) {
      std::string_view const key = field.unescaped_key();
      if (key == "role") {
        turn.from = read_text(field.value(), "messages");
        if (turn.from == "user") turn.from = "human";
        if (turn.from == "assistant") turn.from = "gpt";
      } else if (key == "content") {
        Value content = field.value();
        if (static_cast<json_type>(content.type()) == json_type::array) {
          std::string& text = row_.made.emplace_back();
          for (Value part : content.get_array()) read_part(part, text);
          turn.value = text;
        } else {
          turn.value = read_text(content, "messages");
        }
      }
    }
  }

  /// A part of a message: a text, or a medium with its path or one that `images` or `videos` have.
  void read_part(Value value, std::string& text) {
    auto const type = static_cast<json_type>(value.type());
    if (type == json_type::string) {
      text += std::string_view(value.get_string());
      return;
    }
    if (type != json_type::object)
      return row_.blame("has {} as a part of a message", detail::name_of(type));
    std::string_view kind, other;
    std::optional<std::string_view> words, path;
    for (auto field : value.get_object()) {
      std::string_view const key = field.unescaped_key();
      if (key == "type") {
        kind = read_text(field.value(), "messages").value_or("");
      } else if (key == "text") {
        words = read_text(field.value(), "messages");
      } else if (key == "image" || key == "video") {
        path = read_text(field.value(), "messages");
        other = key;
      }
    }
    if (kind.empty()) kind = path ? other : "text";
    if (kind == "text" && words) {
      text += *words;
    } else if (kind == "image" || kind == "video") {
      if (path) media_.push_back({kind == "image" ? Modality::image : Modality::video, *path});
      text.append(text::image_tag) += '\n';
    } else {
      row_.blame("has a part of type \"{}\" in its messages; a part is text, image or video", kind);
    }
  }

  /// The chat template writes its system message. One of a template's at the front of a row is left
  /// out.
  void drop_system_message() {
    if (row_.turns.empty() || row_.turns[0].from != "system") return;
    auto const& said = row_.turns[0].value;
    if (said && std::ranges::any_of(all_chat_templates, [&](ChatTemplate const& chat) {
          return chat.system == *said;  // or none
        })) {
      row_.turns.erase(row_.turns.begin());
    } else {
      row_.blame(
          "begins with a system message of its own; the chat template writes that of its "
          "family (\"{}\")",
          ChatTemplate::qwen_2.system);
    }
  }

  std::optional<std::string_view> read_text(Value value, std::string_view key) {
    auto const type = static_cast<json_type>(value.type());
    if (type == json_type::string) return std::string_view(value.get_string());
    row_.blame("has {} in turn {} of its {}, not text", detail::name_of(type),
               row_.turns.size() - 1, key);
    return std::nullopt;
  }

  using json_type = detail::json::json_type;

  RowView& row_;
  std::vector<NamedMedium>& media_;
};

}  // namespace vcflash::data
