#pragma once

#include <vcflash/app/evaluation_report.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/eval/regrade.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

namespace vcflash::app {

namespace detail {

/// `0.25 before, 0.5 now`, of the scores that have one number.
inline std::string value_change(nlohmann::json const& before, nlohmann::ordered_json const& after) {
  auto const value = [](auto const& results) {
    return results.at("interval").at("mean").template get<double>();
  };
  return fmt::format("mean score {:.4f} before, {:.4f} now", value(before), value(after));
}

}  // namespace detail

/// The program `grade`.
inline int grade_main(int argc, char** argv) {
  Program program(
      "grade",
      "Grades the answers of a finished evaluation again, without the model, and writes "
      "its results.json, answers.jsonl and report.html anew.",
      "grade run1/eval --scoring strict\n"
      "grade run1/eval --data demo-out/data");
  std::filesystem::path run;
  std::string scoring;
  eval::GradeRequest request;
  auto& flags = program.flags();
  flags.add_option("RUN", run, "Folder that eval-<model> --out wrote")->required();
  flags
      .add_option("--scoring", scoring, "upstream or strict; default: as the evaluation was graded")
      ->check(CLI::IsMember({"upstream", "strict"}));
  flags
      .add_option("--data", request.data,
                  "Folder of the questions; default: where they were, as results.json says")
      ->type_name("DIR");
  flags.add_option("--media", request.media, "Folder of the videos, for the report's pictures")
      ->type_name("DIR");
  flags
      .add_option("--benchmark", request.benchmark,
                  "Name or file of the benchmark, if its file is elsewhere now")
      ->type_name("NAME");
  return program.run(argc, argv, [&] {
    if (!scoring.empty()) {
      request.scoring = scoring == "strict" ? eval::Scoring::strict : eval::Scoring::upstream;
    }
    auto const graded = eval::regrade(run, request);
    write_evaluation_report(run, *graded.exam);
    fmt::print("{}\n{} of {} questions have another score; {}; see {}\n",
               graded.after.at("scores").dump(2), graded.changed, graded.exam->size(),
               detail::value_change(graded.before, graded.after), (run / "report.html").string());
  });
}

}  // namespace vcflash::app
