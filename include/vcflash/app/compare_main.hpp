#pragma once

#include <vcflash/app/program.hpp>
#include <vcflash/app/report/comparison_page.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/eval/compare.hpp>
#include <vcflash/text/utf8.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vcflash::app {

namespace detail {

inline std::string as_text(eval::Comparison const& comparison, std::size_t most_changes) {
  std::string text;
  for (auto const& warning : comparison.warnings) text += fmt::format("warning: {}\n", warning);
  text += fmt::format(
      "{} questions about {} videos; mean scores with their 95 % intervals by videos\n"
      "  A           {}\n  B           {}\n  B - A       {}\n  {}\n",
      comparison.questions, comparison.difference.clusters, with_interval(comparison.a),
      with_interval(comparison.b), with_interval(comparison.difference, -1), verdict(comparison));
  for (auto const& [count, run] :
       {std::pair{comparison.only_a, "A"}, std::pair{comparison.only_b, "B"}}) {
    if (count > 0) text += fmt::format("  {} questions are in {} only\n", count, run);
  }
  std::size_t better = 0;
  for (auto const& change : comparison.changes) better += change.score_b > change.score_a;
  text += fmt::format("{} questions changed: {} better in B, {} worse\n", comparison.changes.size(),
                      better, comparison.changes.size() - better);
  for (std::size_t i = 0; i < comparison.changes.size(); ++i) {
    if (i == most_changes) {
      return text + fmt::format("  … and {} more (--changes)\n", comparison.changes.size() - i);
    }
    auto const& change = comparison.changes[i];
    text +=
        fmt::format("  {} {}: {} became {}\n", change.score_b > change.score_a ? "+" : "-",
                    change.id, text::in_quotes(change.answer_a), text::in_quotes(change.answer_b));
  }
  return text;
}

inline std::string as_text(std::vector<eval::Run> const& runs, eval::Comparisons const& all) {
  std::string text = fmt::format(
      "{} questions about {} videos, which all answered; mean scores with their 95 % intervals by "
      "videos\n",
      all.common.size(), all.scores.front().clusters);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    text += fmt::format("  {}           {}  {}\n", letter_of(i), with_interval(all.scores[i]),
                        runs[i].folder.string());
  }
  for (std::size_t i = 1; i < runs.size(); ++i) {
    auto const& comparison = all.with_first[i - 1];
    for (auto const& warning : comparison.warnings) text += fmt::format("warning: {}\n", warning);
    text +=
        fmt::format("  {} - A       {}  {}\n", letter_of(i),
                    with_interval(comparison.difference, -1), verdict(comparison, letter_of(i)));
  }
  return text;
}

inline nlohmann::ordered_json as_json(std::vector<eval::Run> const& runs,
                                      eval::Comparisons const& all) {
  if (runs.size() == 2) return to_json(all.with_first.front());
  nlohmann::ordered_json json{{"questions", all.common.size()},
                              {"runs", nlohmann::ordered_json::array()},
                              {"agreement", all.agreement},
                              {"with_first", nlohmann::ordered_json::array()}};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    json["runs"].push_back(
        {{"folder", runs[i].folder.string()}, {"score", to_json(all.scores[i])}});
  }
  for (auto const& comparison : all.with_first) json["with_first"].push_back(to_json(comparison));
  return json;
}

}  // namespace detail

/// The program `compare`.
inline int compare_main(int argc, char** argv) {
  Program program("compare",
                  "Compares evaluations of the same questions: differences with their 95 % "
                  "intervals, and the questions that changed.",
                  "compare eval-before eval-after\n"
                  "compare eval-1 eval-2 eval-3 --page runs.html");
  std::vector<std::filesystem::path> folders;
  std::filesystem::path page;
  bool json = false;
  std::size_t changes = 20;
  auto& flags = program.flags();
  flags
      .add_option(
          "RUNS", folders,
          "Two or more folders that eval-<model> --out wrote; all are held against the first")
      ->required()
      ->expected(2, 26);
  flags
      .add_option("--page", page,
                  "Also write a page with every answer of all runs, by task, right, wrong, broken "
                  "and changed")
      ->type_name("FILE");
  flags.add_flag("--json", json, "Print a JSON object, with every question that changed");
  flags.add_option("--changes", changes, "Of two runs: name so many of the questions that changed")
      ->type_name("N")
      ->capture_default_str();
  return program.run(argc, argv, [&] {
    std::vector<eval::Run> runs;
    for (auto const& folder : folders) runs.push_back(eval::read_run(folder));
    auto const all = eval::compare_all(runs);
    if (json) {
      fmt::print("{}\n", detail::as_json(runs, all).dump(2, ' ', false,
                                                         nlohmann::json::error_handler_t::replace));
    } else {
      fmt::print("{}", runs.size() == 2 ? detail::as_text(all.with_first.front(), changes)
                                        : detail::as_text(runs, all));
    }
    if (page.empty()) return;
    checkpoint::write_file(page, comparison_page(runs, all));
    if (!json) fmt::print("see {}\n", page.string());
  });
}

}  // namespace vcflash::app
