#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/app/report/answer_browser.hpp>
#include <vcflash/app/report/blocks.hpp>
#include <vcflash/app/report/score_groups.hpp>
#include <vcflash/eval/compare.hpp>
#include <vcflash/eval/scores.hpp>

/// The page that `compare` writes of several runs.
namespace vcflash::app {

namespace detail {

/// `0.612 (0.571 to 0.653)`.
/// \param lowest what the mean can be at least
inline std::string with_interval(eval::Interval const& interval, double lowest = 0) {
  if (!interval.half) return fmt::format("{:.4f}", interval.mean);
  return fmt::format("{:.4f} ({:.4f} to {:.4f})", interval.mean, interval.low(lowest),
                     interval.high(1));
}

/// What a difference says of two runs, A and `other`.
inline std::string verdict(eval::Comparison const& comparison, std::string_view other = "B") {
  auto const& difference = comparison.difference;
  if (comparison.changes.empty()) return "A tie: no question's score changed.";
  if (difference.mean == 0) return "A tie: as much became better as worse.";
  if (!difference.half) {
    return fmt::format("Of less than {} videos the difference may be chance.",
                       eval::least_clusters);
  }
  if (std::abs(difference.mean) <= *difference.half) {
    return "Chance alone could make this difference.";
  }
  return fmt::format("{} is better.", difference.mean > 0 ? other : "A");
}

/// A run's letter, A for the first.
inline std::string letter_of(std::size_t run) {
  return std::string(1, static_cast<char>('A' + static_cast<char>(run)));
}

/// Scores by task and the like, a column a run, where all runs have them.
inline std::string groups_table(std::vector<eval::Run> const& runs) {
  std::vector<std::vector<ScoreGroup>> groups;
  for (auto const& run : runs) {
    if (!run.about.contains("scores")) return {};
    groups.push_back(score_groups(eval::scores_in(run.about["scores"])));
  }
  std::string rows;
  for (auto const& group : groups.front()) {
    for (auto const& line : group.lines) {
      auto row = fmt::format("<tr><td>{}</td><td>{}</td>",
                             &line == &group.lines.front() ? escaped(group.title) : "",
                             escaped(line.name));
      for (auto const& other : groups) {
        auto const found = std::ranges::find(other, group.title, &ScoreGroup::title);
        std::string cell;
        if (found != other.end()) {
          auto const same = std::ranges::find(found->lines, line.name, &ScoreLine::name);
          if (same != found->lines.end()) cell = percent(same->share);
        }
        row += fmt::format("<td class=\"n\">{}</td>", cell);
      }
      rows += row + "</tr>";
    }
  }
  if (rows.empty()) return {};
  std::string head;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    head += fmt::format("<th class=\"n\">{}</th>", letter_of(i));
  }
  return fmt::format(
      "<h2>By group</h2><p>Of all questions of each run.</p><div class=\"card scroll\"><table><tr>"
      "<th>group</th><th></th>{}</tr>{}</table></div>",
      head, rows);
}

inline std::string agreement_table(eval::Comparisons const& all) {
  std::string head, rows;
  for (std::size_t i = 0; i < all.agreement.size(); ++i) {
    head += fmt::format("<th class=\"n\">{}</th>", letter_of(i));
    rows += fmt::format("<tr><td>{}</td>", letter_of(i));
    for (double const share : all.agreement[i]) {
      rows += fmt::format("<td class=\"n\">{}</td>", percent(share));
    }
    rows += "</tr>";
  }
  return fmt::format(
      "<h2>How often two agree</h2><p>Share of the questions that both scored alike.</p><div "
      "class=\"card scroll\"><table><tr><th></th>{}</tr>{}</table></div>",
      head, rows);
}

}  // namespace detail

/// \param runs two or more  \param all what `eval::compare_all` says of them
inline std::string comparison_page(std::vector<eval::Run> const& runs,
                                   eval::Comparisons const& all) {
  using detail::letter_of;
  std::string table;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    auto const broken = std::ranges::count_if(all.common, [&](std::string const& id) {
      return runs[i].answers.at(id).at("problem") != "";
    });
    auto const* const comparison = i == 0 ? nullptr : &all.with_first[i - 1];
    table += fmt::format(
        "<tr><td><b>{}</b></td><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}"
        "</td><td class=\"n\">{}</td><td>{}</td></tr>",
        letter_of(i), escaped(runs[i].folder.string()), escaped(runs[i].about.value("model", "")),
        detail::with_interval(all.scores[i]), broken,
        comparison ? detail::with_interval(comparison->difference, -1) : "",
        comparison ? detail::verdict(*comparison, letter_of(i)) : "");
  }
  std::string warnings;
  for (auto const& comparison : all.with_first) {
    for (auto const& warning : comparison.warnings) {
      warnings += fmt::format("<div class=\"banner\">{}</div>", escaped(warning));
    }
  }
  auto const benchmark = runs.front().about.value("benchmark", std::string("evaluations"));
  auto body = fmt::format(
      "<h1>{} runs of {}</h1><p>{} questions about {} videos, which all runs answered. Mean scores "
      "with their 95 % intervals by videos.</p>{}<div class=\"card "
      "scroll\"><table><tr><th></th><th>"
      "folder</th><th>model</th><th class=\"n\">score</th><th class=\"n\">broken</th><th "
      "class=\"n\">minus A</th><th></th></tr>{}</table></div>{}",
      runs.size(), escaped(benchmark), detail::thousands(std::ssize(all.common)),
      detail::thousands(all.scores.front().clusters), warnings, table, detail::groups_table(runs));
  if (runs.size() > 2) body += detail::agreement_table(all);
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < runs.size(); ++i) columns.push_back(letter_of(i));
  std::vector<ShownQuestion> questions;
  for (auto const& id : all.common) {
    auto const& first = runs.front().answers.at(id);
    auto& shown = questions.emplace_back(shown_question(first));
    for (auto const& run : runs) {
      shown.answers.push_back(shown_answer(run.answers.at(id)));
    }
  }
  body += "<h2>Every answer</h2>" + answer_browser(columns, questions);
  return detail::whole_page(escaped(fmt::format("{} runs of {}", runs.size(), benchmark)), body,
                            answer_browser_style);
}

}  // namespace vcflash::app
