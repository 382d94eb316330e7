#pragma once

#include <vcflash/app/eval_main.hpp>
#include <vcflash/app/evaluation_report.hpp>
#include <vcflash/app/log.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/dist/launch.hpp>
#include <vcflash/eval/all_benchmarks.hpp>
#include <vcflash/eval/lmms_layout.hpp>
#include <vcflash/eval/results.hpp>
#include <vcflash/eval/sha256.hpp>
#include <vcflash/eval/share.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vcflash::app::detail {

/// Tells one set of questions from another.
inline std::string questions_fingerprint(eval::Exam const& exam) {
  std::string all;
  for (std::size_t i = 0; i < exam.size(); ++i) {
    all += fmt::format("{}\n{}\n{}\n", exam.id(i), exam.prompt(i), exam.medium(i).frames_key());
  }
  return eval::sha256(all).substr(0, 16);
}

/// The folder of one benchmark below `folder`, if several have one each.
inline std::filesystem::path folder_of(std::filesystem::path const& folder,
                                       std::string const& benchmark, bool several) {
  return several && std::filesystem::is_directory(folder / benchmark) ? folder / benchmark : folder;
}

/// Runs one benchmark and writes what came of it.
/// \param out folder of its results
inline void evaluate(EvalProgram const& model, eval::Exam const& exam,
                     EvalArguments const& arguments, eval::Scoring scoring,
                     dist::Place const& place, std::filesystem::path const& out) {
  auto const viewing = run_options(model.facts, arguments);
  double const began = Progress::steady_seconds();
  auto about = about_run(model.facts, arguments, viewing);
  about["max_new_tokens"] = exam.max_new_tokens();
  nlohmann::json header = about;
  header.erase("commit");  // a run is taken up by the same version
  header["benchmark"] = exam.name();
  header["weights"] = folder_fingerprint(arguments.model);
  header["questions"] = questions_fingerprint(exam);

  checkpoint::make_folder(out);
  eval::SharedAnswers answers(out, header, place, arguments.fresh);
  std::vector<std::size_t> all(exam.size()), left;
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  std::int64_t done = 0, counted = 0;
  double right = 0;
  auto const count = [&](std::size_t i, eval::Said const& said) {
    ++done;
    if (!exam.counts(i)) return;
    right += exam.graded(i, said).score;
    ++counted;
  };
  auto const groups = eval::by_video(exam, all);
  for (std::size_t group = 0; group < groups.size(); ++group) {
    for (std::size_t const i : groups[group]) {
      if (auto const* const answer = answers.find(exam.id(i))) {
        count(i, *answer);
      } else if (eval::takes(place, group)) {
        left.push_back(i);
      }
    }
  }
  if (done > 0) {
    inform(
        fmt::format("{}: {} of {} questions were answered before", exam.name(), done, exam.size()));
  }
  if (!left.empty()) {
    model.load();
    if (auto const sentence = advice(viewing); !sentence.empty()) warn(sentence);
    Progress progress(exam.name(), "question", done + std::ssize(left), done);
    model.ask(exam, left, viewing, [&](std::size_t i, eval::Said const& said) {
      answers.add(exam.id(i), said);
      count(i, said);
      if (!said.problem.empty()) warn(fmt::format("{}: {}", exam.id(i), said.problem));
      auto const asked = static_cast<double>(std::max<std::int64_t>(1, counted));
      progress.update(done, fmt::format("score {:.3f}", right / asked));
    });
  }
  if (place.rank != 0) return;

  std::vector<std::string> ids;
  for (std::size_t const i : all) ids.push_back(exam.id(i));
  auto const said = answers.gathered(ids);
  auto const results = eval::write_results(out, exam, scoring, said, about);
  write_evaluation_report(out, exam);
  if (arguments.layout == "lmms-eval") {
    auto const folder = exam.write_lmms(
        out, exam.graded(said),
        {.model_args = fmt::format("pretrained={},max_num_frames={}", arguments.model.string(),
                                   viewing.frames.max_frames),
         .suffix = exam.name(),
         .time = eval::lmms_time(std::time(nullptr)),
         .limit = arguments.limit > 0 ? nlohmann::ordered_json(arguments.limit) : nullptr});
    fmt::print("lmms-eval's layout: {}\n", folder.string());
  }
  answers.remove();
  auto const broken = results.at("broken").size();
  fmt::print("{}\n{} questions in {}{}; see {}\n", results.at("scores").dump(2), exam.size(),
             as_duration(Progress::steady_seconds() - began),
             broken > 0 ? fmt::format(", {} of them broken and counted as wrong", broken) : "",
             (out / "report.html").string());
}

VCFLASH_INLINE int run_eval_program(EvalProgram const& model, int argc, char** argv) {
  auto const name = fmt::format("eval-{}", model.facts.name);
  Program program(
      name,
      fmt::format("Asks the model {} a benchmark's questions about videos and grades its answers. "
                  "Killed and started again, it asks what is left.",
                  model.facts.name),
      fmt::format("{0} --model demo-out/stage4 --benchmark shapes --data demo-out/data "
                  "--out demo-out/eval\n"
                  "{0} --model FOLDER --benchmark mvbench,videomme --data DIR --out DIR "
                  "--layout lmms-eval",
                  name));
  EvalArguments arguments;
  arguments.add_flags(program.flags());

  return program.run(argc, argv, [&] {
    set_up_log(name);
    model.begin(arguments);
    auto const scoring =
        arguments.scoring == "strict" ? eval::Scoring::strict : eval::Scoring::upstream;
    bool const several = arguments.benchmarks.size() > 1;
    auto const hops_of = [](std::string const& benchmark) -> std::optional<eval::needle::Hops> {
      for (auto const hops : {eval::needle::Hops::single, eval::needle::Hops::multi}) {
        if (benchmark == name_of(hops)) return hops;
      }
      return std::nullopt;
    };
    // Questions are read before the first is asked; those about needles have no exam.
    std::vector<std::unique_ptr<eval::Exam>> exams;
    for (auto const& benchmark : arguments.benchmarks) {
      auto& exam = exams.emplace_back();
      if (hops_of(benchmark)) continue;
      exam = eval::open_exam(benchmark, {.data = folder_of(arguments.data, benchmark, several),
                                         .media = folder_of(arguments.media, benchmark, several),
                                         .scoring = scoring,
                                         .limit = arguments.limit});
    }
    auto const needle_files = [&](std::size_t i) -> NeedleFiles {
      auto const& benchmark = arguments.benchmarks[i];
      return {.data = folder_of(arguments.data, benchmark, several),
              .media = folder_of(arguments.media, benchmark, several),
              .out = several ? arguments.out / benchmark : arguments.out};
    };
    if (arguments.plan) {
      for (std::size_t i = 0; i < exams.size(); ++i) {
        auto const& benchmark = arguments.benchmarks[i];
        auto const hops = hops_of(benchmark);
        if (!hops) fail<InputError>("--plan: is of niah_single and niah_multi, not of ", benchmark);
        plan_needles(model.facts, model.needles, *hops, arguments, needle_files(i));
      }
      return;
    }
    auto const place = dist::Place::from_environment();
    for (std::size_t i = 0; i < exams.size(); ++i) {
      auto const& benchmark = arguments.benchmarks[i];
      auto const out = several ? arguments.out / benchmark : arguments.out;
      if (exams[i]) {
        evaluate(model, *exams[i], arguments, scoring, place, out);
      } else {
        evaluate_needles(model.facts, model.needles, *hops_of(benchmark), arguments,
                         needle_files(i), scoring, place);
      }
    }
  });
}

}  // namespace vcflash::app::detail
