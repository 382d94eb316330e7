#pragma once

#include <vcflash/app/program.hpp>
#include <vcflash/eval/compare.hpp>
#include <vcflash/text/utf8.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>

namespace vcflash::app {

namespace detail {

/// `0.612 (0.571 to 0.653)`.
/// \param lowest what the mean can be at least
inline std::string with_interval(eval::Interval const& interval, double lowest = 0) {
  if (!interval.half) return fmt::format("{:.4f}", interval.mean);
  return fmt::format("{:.4f} ({:.4f} to {:.4f})", interval.mean, interval.low(lowest),
                     interval.high(1));
}

/// What a difference says of the two runs.
inline std::string verdict(eval::Comparison const& comparison) {
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
  return difference.mean > 0 ? "B is better." : "A is better.";
}

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

}  // namespace detail

/// The program `compare`.
inline int compare_main(int argc, char** argv) {
  Program program("compare",
                  "Compares two evaluations of the same questions: the difference with its 95 % "
                  "interval, and the questions that changed.",
                  "compare eval-before eval-after");
  std::filesystem::path run_a, run_b;
  bool json = false;
  std::size_t changes = 20;
  auto& flags = program.flags();
  flags.add_option("RUN_A", run_a, "Folder that eval-<model> --out wrote")->required();
  flags.add_option("RUN_B", run_b, "Another")->required();
  flags.add_flag("--json", json, "Print a JSON object, with every question that changed");
  flags.add_option("--changes", changes, "Name so many of the questions that changed")
      ->type_name("N")
      ->capture_default_str();
  return program.run(argc, argv, [&] {
    auto const comparison = eval::compare(run_a, run_b);
    if (json) {
      fmt::print(
          "{}\n",
          eval::to_json(comparison).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      fmt::print("{}", detail::as_text(comparison, changes));
    }
  });
}

}  // namespace vcflash::app
