#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include <vcflash/eval/exam.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::app {

/// The page that shows what came of an evaluation: its scores by each rule, bars for tasks and
/// durations, answers with the frames that they are about, and what could not be asked.
/// \param results `results.json`  \param answers the objects of `answers.jsonl`, one a question
std::string evaluation_page(eval::Exam const& exam, nlohmann::ordered_json const& results,
                            std::vector<nlohmann::json> const& answers);

/// Writes `report.html` beside the `results.json` and `answers.jsonl` that an evaluation wrote.
void write_evaluation_report(std::filesystem::path const& out, eval::Exam const& exam);

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/evaluation_report.ipp>
#endif
