#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/app/inspect/examples.hpp>
#include <vcflash/app/inspect/steps.hpp>
#include <vcflash/app/inspect/survey.hpp>
#include <vcflash/app/report/blocks.hpp>
#include <vcflash/app/report/charts.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/mixture.hpp>

/// What `inspect-data` found out, for programs and for people.
namespace vcflash::app {

namespace detail {

inline nlohmann::ordered_json to_json(SetSurvey const& set, Survey const& survey) {
  nlohmann::ordered_json json{{"rows", set.rows}};
  for (auto const modality : {Modality::text, Modality::image, Modality::video})
    json[name_of(modality)] = set.of_modality[static_cast<std::size_t>(modality)];
  json["broken"] = set.broken;
  json["missing_media"] = set.missing;
  json["unreadable_media"] = set.unreadable;
  json["unusable_text"] = set.unusable;
  json["lost"] = set.lost();
  json["words"] = set.words.to_json();
  if (survey.tokens_counted) {
    json["tokens"] = set.tokens.to_json();
    json["over_max_length"] = set.too_long;
  }
  if (survey.media_opened) json["frames"] = set.frames.to_json();
  json["problems"] = set.problems;
  json["remarks"] = set.remarks;
  return json;
}

/// A histogram as bars that stand side by side, each as high as its share of the highest.
inline std::string bars(Histogram const& histogram, std::string_view unit) {
  if (histogram.count() == 0) return "<p>none</p>";
  std::size_t first = Histogram::bins, last = 0;
  std::int64_t highest = 1;
  for (std::size_t i = 0; i < Histogram::bins; ++i) {
    if (histogram.of_bin(i) == 0) continue;
    first = std::min(first, i);
    last = i;
    highest = std::max(highest, histogram.of_bin(i));
  }
  constexpr double width = 400, height = 110, foot = 16;
  double const each = width / static_cast<double>(last - first + 1);
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">", width, height + foot);
  for (std::size_t i = first; i <= last; ++i) {
    double const share = static_cast<double>(histogram.of_bin(i)) / static_cast<double>(highest);
    double const x = static_cast<double>(i - first) * each;
    svg += fmt::format(
        "<rect fill=\"var(--accent)\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\">"
        "<title>{} to {} {}: {}</title></rect><text class=\"tick\" x=\"{:.1f}\" y=\"{}\" "
        "text-anchor=\"middle\">{}</text>",
        x + 1, height * (1 - share), std::max(1.0, each - 2), height * share,
        Histogram::first_of(i), Histogram::last_of(i), unit, histogram.of_bin(i), x + each / 2,
        height + foot - 3, Histogram::first_of(i));
  }
  return svg + fmt::format("</svg><p>{} to {} {}, {:.1f} on average</p>",
                           thousands(histogram.least()), thousands(histogram.most()), unit,
                           histogram.mean());
}

inline std::string histogram_card(std::string_view title, Histogram const& histogram,
                                  std::string_view unit) {
  return fmt::format("<div class=\"card\"><h3>{}</h3>{}</div>", title, bars(histogram, unit));
}

inline std::string set_row(data::DataSet const& set, SetSurvey const& found, Survey const& survey) {
  auto const cell = [](std::int64_t number) {
    return fmt::format("<td class=\"value\">{}</td>", number == 0 ? "" : thousands(number));
  };
  std::string row = fmt::format("<tr><td>{}<br><small>{}</small></td>", escaped(set.json_path),
                                escaped(set.sampling_strategy));
  for (auto const number :
       {found.rows, found.of_modality[2], found.of_modality[1], found.of_modality[0], found.broken,
        found.missing, found.unreadable, found.unusable})
    row += cell(number);
  if (survey.tokens_counted)
    row += cell(static_cast<std::int64_t>(found.tokens.mean())) + cell(found.tokens.most()) +
           cell(found.too_long);
  return row + "</tr>";
}

inline std::string example_card(Example const& example) {
  std::string strips;
  for (auto const& strip : example.strips)
    strips += fmt::format("<img alt=\"the row's medium, its frames in order\" src=\"{}\">", strip);
  if (!example.problem.empty())
    strips += fmt::format("<p class=\"banner\">{}</p>", escaped(example.problem));
  return fmt::format("<article class=\"card clip\">{}<h3>{}</h3><pre>{}</pre></article>", strips,
                     escaped(example.title), escaped(example.text));
}

inline std::string examples_section(data::DataSet const& set,
                                    std::vector<Example> const& examples) {
  std::string cards;
  for (auto const& example : examples) cards += example_card(example);
  return fmt::format("<h2>Rows of {}</h2><div class=\"clips\">{}</div>", escaped(set.json_path),
                     cards);
}

}  // namespace detail

/// `report.json`.
inline nlohmann::ordered_json survey_json(data::Mixture const& mixture, Survey const& survey,
                                          SurveySettings const& settings, std::string const& file) {
  auto const all = survey.all();
  nlohmann::ordered_json json{{"mixture", file},
                              {"settings",
                               {{"sampling", name_of(settings.sampling)},
                                {"min_frames", settings.min_frames},
                                {"max_frames", settings.max_frames},
                                {"tokens_per_frame", settings.tokens_of_frame},
                                {"image_aspect_ratio", name_of(settings.images)},
                                {"image_size", settings.image_size},
                                {"tokens_per_image", settings.tokens_of_image},
                                {"chat", name_of(settings.chat)},
                                {"time_message", settings.time_message},
                                {"max_length", settings.max_length},
                                {"global_batch", settings.global_batch},
                                {"micro_batch", settings.micro_batch},
                                {"epochs", settings.epochs}}},
                              {"media", survey.media},
                              {"media_opened", survey.media_opened},
                              {"steps", expected_steps(all, settings)},
                              {"all", detail::to_json(all, survey)},
                              {"sets", nlohmann::ordered_json::array()}};
  for (std::size_t s = 0; s < survey.sets.size(); ++s) {
    auto const& set = mixture.sets()[s];
    nlohmann::ordered_json row{{"json_path", set.json_path},
                               {"sampling_strategy", set.sampling_strategy},
                               {"data_root", set.data_root},
                               {"media_type", data::name_of(*set.media_type)}};
    row.update(detail::to_json(survey.sets[s], survey));
    json["sets"].push_back(std::move(row));
  }
  return json;
}

/// `report.html`: one file that needs nothing else.
/// \param examples rows of each set to show; none: no set's
inline std::string survey_page(data::Mixture const& mixture, Survey const& survey,
                               SurveySettings const& settings, std::string const& file,
                               std::vector<std::vector<Example>> const& examples = {}) {
  auto const all = survey.all();
  constexpr std::string_view style =
      "table{width:100%;border-collapse:collapse;font-size:14px}td,th{padding:6px 8px;"
      "border-bottom:1px solid var(--line);text-align:left;overflow-wrap:anywhere}th{color:"
      "var(--soft)}";
  std::string page = fmt::format("<h1>{}</h1><div class=\"tiles\">{}{}{}{}</div>", escaped(file),
                                 detail::tile(detail::thousands(all.rows), "rows"),
                                 detail::tile(detail::thousands(survey.media), "media"),
                                 detail::tile(detail::thousands(all.lost()), "rows lost"),
                                 detail::tile(detail::thousands(expected_steps(all, settings)),
                                              fmt::format("steps of {}", settings.global_batch)));
  if (!survey.media_opened)
    page +=
        "<p class=\"banner\">Media were looked for, not opened (--check-media does): a video "
        "counts as its most frames, an image as one tile.</p>";
  page += "<h2>Lengths</h2><div class=\"charts\">";
  page += detail::histogram_card("Words of a row", all.words, "words");
  if (survey.tokens_counted)
    page += detail::histogram_card("Tokens of a row", all.tokens, "tokens");
  if (survey.media_opened)
    page += detail::histogram_card("Frames of a video", all.frames, "frames");
  page +=
      "</div><h2>Sets</h2><div class=\"card\"><table><tr><th>set</th><th>rows</th><th>video</th>"
      "<th>image</th><th>text</th><th>broken</th><th>missing</th><th>unreadable</th>"
      "<th>unusable</th>";
  if (survey.tokens_counted) page += "<th>tokens</th><th>at most</th><th>over the longest</th>";
  page += "</tr>";
  for (std::size_t s = 0; s < survey.sets.size(); ++s)
    page += detail::set_row(mixture.sets()[s], survey.sets[s], survey);
  page += "</table></div>";
  if (!all.problems.empty()) {
    page += "<h2>Problems, the first of each set</h2><ul>";
    for (auto const& set : survey.sets)
      for (auto const& problem : set.problems) page += "<li>" + escaped(problem) + "</li>";
    page += "</ul>";
  }
  if (!all.remarks.empty()) {
    page += "<h2>Odd, though no row is lost by it</h2><ul>";
    for (auto const& remark : all.remarks) page += "<li>" + escaped(remark) + "</li>";
    page += "</ul>";
  }
  for (std::size_t s = 0; s < examples.size(); ++s)
    page += detail::examples_section(mixture.sets()[s], examples[s]);
  return detail::whole_page(escaped(file), page, style);
}

}  // namespace vcflash::app
