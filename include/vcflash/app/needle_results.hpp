#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include <vcflash/app/report/heatmap.hpp>
#include <vcflash/eval/needle_exam.hpp>
#include <vcflash/meta/separate.hpp>

/// What a needle in a haystack leaves on the disk.
namespace vcflash::app {

/// Tells one set of questions from another.
std::string needles_fingerprint(std::vector<eval::needle::Row> const& rows,
                                std::vector<eval::needle::Case> const& cases);

/// One needle: score by depth and length. Many: score, caption and detail by length, where
/// upstream's plot fails for lack of a depth.
/// \param accuracies the rows of `all_accuracies.json`
HeatMap needle_map(eval::needle::Hops hops, nlohmann::ordered_json const& accuracies,
                   std::string const& title);

/// Writes upstream's `all_accuracies.json`, `avg_accuracy.txt` and `heatmap.png`, and
/// `heatmap.svg`, `answers.jsonl` and `results.json`.
/// \param said one a case  \param scoring of all of these; results.json has the scores by both
/// rules \param about what to say in results.json besides the scores \return the average accuracy
double write_needle_results(std::filesystem::path const& out, eval::needle::Hops hops,
                            std::vector<eval::needle::Row> const& rows,
                            std::vector<eval::needle::Case> const& cases,
                            std::vector<eval::Said> const& said, eval::Scoring scoring,
                            nlohmann::ordered_json const& about);

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/needle_results.ipp>
#endif
