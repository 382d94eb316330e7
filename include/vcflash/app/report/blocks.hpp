#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/app/report/charts.hpp>
#include <vcflash/app/report/style.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/media/resize.hpp>

/// What the reports are put together from.
namespace vcflash::app::detail {

inline std::string thousands(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = std::ssize(digits) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), "&thinsp;");
  }
  return digits;
}

inline std::string percent(double share) { return fmt::format("{:.1f}&thinsp;%", 100 * share); }

inline std::string tile(std::string_view number, std::string_view what) {
  return fmt::format("<div class=\"card\"><b>{}</b><span>{}</span></div>", number, what);
}

/// A page that needs nothing else.
/// \param style of its own, besides what all reports share
inline std::string whole_page(std::string_view title, std::string_view body,
                              std::string_view style = {}) {
  return fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"><title>{}</title><style>{}{}</style></head>"
      "<body><main>{}</main></body></html>\n",
      title, report_style, style, body);
}

/// Frames side by side, as the address of a JPEG.
/// \param height of the strip in pixels
inline std::string frame_strip(media::Frames const& frames, int height) {
  constexpr int gap = 3;
  int const width = std::max(1, frames.width * height / std::max(1, frames.height));
  auto const small = media::resize_bicubic(frames, height, width);
  media::Image strip{height, small.count * (width + gap) - gap, {}};
  strip.rgb.assign(std::size_t(strip.height) * std::size_t(strip.width) * 3, 0);
  for (int i = 0; i < small.count; ++i) {
    auto const frame = small.frame(i);
    for (int y = 0; y < height; ++y) {
      auto const row =
          frame.subspan(std::size_t(y) * std::size_t(width) * 3, std::size_t(width) * 3);
      std::ranges::copy(
          row, strip.rgb.begin() +
                   (std::ptrdiff_t(y) * strip.width + std::ptrdiff_t(i) * (width + gap)) * 3);
    }
  }
  return "data:image/jpeg;base64," + base64(media::encode_jpeg(strip, 4));
}

/// Whether an answer counts as right where there is only right or wrong; spans overlap in part.
inline bool is_right(nlohmann::json const& answer) { return answer.at("score") >= 0.5; }

/// A dozen answers about different videos: up to so many wrong ones, then right ones, of each kind
/// or task in turn.
/// \param answers the objects of `answers.jsonl`
inline std::vector<nlohmann::json> chosen_answers(std::vector<nlohmann::json> const& answers,
                                                  std::size_t most_wrong) {
  constexpr std::size_t most = 12;
  std::map<std::string, std::vector<nlohmann::json const*>> right, wrong;
  for (auto const& answer : answers) {
    if (!answer.value("counts", true) || answer.contains("problem")) continue;
    auto const kind = answer.value("kind", answer.value("task", ""));
    (is_right(answer) ? right : wrong)[kind].push_back(&answer);
  }
  std::vector<nlohmann::json> chosen;
  std::set<std::string> shown;
  auto const take = [&](auto const& by_kind, std::size_t until) {
    for (std::size_t before = most + 1; before != chosen.size();) {
      before = chosen.size();
      for (auto const& [kind, list] : by_kind) {
        auto const fresh = std::ranges::find_if(list, [&](auto const* answer) {
          return !shown.contains(answer->at("video").template get<std::string>());
        });
        if (fresh == list.end() || chosen.size() >= until) continue;
        shown.insert((*fresh)->at("video").template get<std::string>());
        chosen.push_back(**fresh);
      }
    }
  };
  take(wrong, most_wrong);
  take(right, most);
  return chosen;
}

/// An answer with what it is about: frames, a question, then `more`.
/// \param strip address of a picture; empty if there is none
inline std::string answer_card(nlohmann::json const& answer, std::string const& strip,
                               std::string_view question, std::string_view more) {
  bool const right = is_right(answer);
  return fmt::format(
      "<article class=\"card clip {}\">{}<header><h3>{}</h3><span class=\"verdict\">{}</span>"
      "</header>{}<div class=\"said\">the model said <code>{}</code></div></article>",
      right ? "right" : "wrong",
      strip.empty() ? ""
                    : fmt::format("<img alt=\"frames of the video, in order\" src=\"{}\">", strip),
      question, right ? "✓ right" : "✗ wrong", more,
      escaped(answer.at("answer").get<std::string>()));
}

/// The options of a multiple choice, the right one and a wrong choice marked.
inline std::string options_list(nlohmann::json const& options, std::string const& right,
                                std::string const& said) {
  std::string items;
  char letter = 'A';
  for (auto const& option : options) {
    std::string const name(1, letter++);
    items += fmt::format("<li class=\"{}\">{} {}</li>",
                         name == right  ? "is-right"
                         : name == said ? "is-said"
                                        : "",
                         name, escaped(option.get<std::string>()));
  }
  return "<ul class=\"options\">" + items + "</ul>";
}

}  // namespace vcflash::app::detail
