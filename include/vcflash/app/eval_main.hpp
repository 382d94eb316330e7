#pragma once

#include <vcflash/app/eval_arguments.hpp>
#include <vcflash/app/evaluation_report.hpp>
#include <vcflash/app/log.hpp>
#include <vcflash/app/machine.hpp>
#include <vcflash/app/needle_evaluation.hpp>
#include <vcflash/app/number_checks.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/dist/launch.hpp>
#include <vcflash/eval/all_benchmarks.hpp>
#include <vcflash/eval/results.hpp>
#include <vcflash/eval/run.hpp>
#include <vcflash/eval/sha256.hpp>
#include <vcflash/eval/share.hpp>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vcflash::app {

namespace detail {

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
template <Model M>
void evaluate(eval::Exam const& exam, EvalArguments const& arguments, eval::Scoring scoring,
              dist::Place const& place, std::filesystem::path const& out, LazyModel<M>& model) {
  auto const viewing = run_options<M>(arguments);
  double const began = Progress::steady_seconds();
  auto const about = about_run<M>(arguments, viewing);
  nlohmann::json header = about;
  header["benchmark"] = exam.name();
  header["weights"] = folder_fingerprint(arguments.model);
  header["questions"] = questions_fingerprint(exam);

  make_folder(out);
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
  if (done > 0)
    spdlog::info("{}: {} of {} questions were answered before", exam.name(), done, exam.size());
  if (!left.empty()) {
    auto const& loaded = model();
    Progress progress(exam.name(), "question", done + std::ssize(left), done);
    eval::run<M>(loaded.network, loaded.tokenizer, exam, left, viewing,
                 [&](std::size_t i, eval::Said const& said) {
                   answers.add(exam.id(i), said);
                   count(i, said);
                   if (!said.problem.empty()) spdlog::warn("{}: {}", exam.id(i), said.problem);
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

}  // namespace detail

/// The program `eval-<model>`.
template <Model M>
int eval_main(int argc, char** argv) {
  auto const name = fmt::format("eval-{}", std::string_view(M::name));
  Program program(
      name,
      fmt::format("Asks the model {} a benchmark's questions about videos and grades its answers. "
                  "Killed and started again, it asks what is left.",
                  std::string_view(M::name)),
      fmt::format("{0} --model demo-out/stage4 --benchmark shapes --data demo-out/data "
                  "--out demo-out/eval\n"
                  "{0} --model FOLDER --benchmark mvbench,videomme --data DIR --out DIR "
                  "--layout lmms-eval",
                  name));
  detail::EvalArguments arguments;
  auto& flags = program.flags();
  flags.add_option("--model", arguments.model, "Folder that a training ended with")
      ->type_name("FOLDER")
      ->required();
  flags
      .add_option(
          "--benchmark", arguments.benchmarks,
          fmt::format("One or more, with commas between: {}, {}, {}", eval::benchmark_names(),
                      name_of(eval::needle::Hops::single), name_of(eval::needle::Hops::multi)))
      ->type_name("NAME")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->required();
  flags
      .add_option("--data", arguments.data,
                  "Folder of the benchmark's questions and videos; of several, each may have a "
                  "folder of its name there")
      ->type_name("DIR")
      ->required();
  flags.add_option("--media", arguments.media, "Folder of the videos, if it is another")
      ->type_name("DIR");
  flags
      .add_option("--out", arguments.out,
                  "Folder for answers.jsonl, results.json and report.html; several benchmarks have "
                  "a folder each there")
      ->type_name("DIR")
      ->required();
  flags
      .add_option(
          "--scoring", arguments.scoring,
          "How answers are graded where upstream's rule has an accident: upstream or strict")
      ->check(CLI::IsMember({"upstream", "strict"}))
      ->capture_default_str();
  flags.add_option("--layout", arguments.layout, "Also write the files of lmms-eval")
      ->check(CLI::IsMember({"lmms-eval"}));
  flags.add_flag("--fresh", arguments.fresh, "Drop the answers of a run that was not finished");
  flags.add_option("--limit", arguments.limit, "Ask only so many questions of each task; 0: all")
      ->type_name("N")
      ->check(at_least(0));
  flags
      .add_option("--batch", arguments.batch,
                  "Most questions about one video that are answered side by side")
      ->type_name("N")
      ->check(at_least(1))
      ->capture_default_str();
  flags.add_option("--dtype", arguments.dtype, "float32 or bfloat16")
      ->check(CLI::IsMember({"float32", "bfloat16"}))
      ->capture_default_str();
  add_device(flags, arguments.device);
  add_allow_missing(flags, arguments.allow_missing);
  arguments.viewing.add_flags(flags);
  auto& grid = arguments.grid;
  flags
      .add_option("--haystack", arguments.haystack,
                  "Of niah_single and niah_multi: the long video that pictures are hidden in; "
                  "default: video_haystack.mkv in --data")
      ->type_name("FILE");
  auto const add_number = [&](char const* flag, auto& number, char const* what) {
    flags.add_option(flag, number, what)
        ->type_name("N")
        ->check(above_zero())
        ->capture_default_str();
  };
  add_number("--needle-min-frames", grid.min_frames, "Of niah: the shortest haystack");
  add_number("--needle-max-frames", grid.max_frames, "Of niah: the longest haystack");
  add_number("--needle-frame-interval", grid.frame_interval, "Of niah: from one to the next");
  add_number("--needle-depth-interval", grid.depth_interval,
             "Of niah_single: from one depth of the needle to the next, 0 being the beginning and "
             "1 the end");

  flags.add_flag("--plan", arguments.plan,
                 "Of niah: say how much memory the longest haystack takes, and do nothing else");

  return program.run(argc, argv, [&] {
    set_up_log(name);
    detail::LazyModel<M> model(arguments);
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
      exam = eval::open_exam(benchmark,
                             {.data = detail::folder_of(arguments.data, benchmark, several),
                              .media = detail::folder_of(arguments.media, benchmark, several),
                              .scoring = scoring,
                              .limit = arguments.limit});
    }
    auto const needle_files = [&](std::size_t i) -> detail::NeedleFiles {
      auto const& benchmark = arguments.benchmarks[i];
      return {.data = detail::folder_of(arguments.data, benchmark, several),
              .media = detail::folder_of(arguments.media, benchmark, several),
              .out = several ? arguments.out / benchmark : arguments.out};
    };
    if (arguments.plan) {
      for (std::size_t i = 0; i < exams.size(); ++i) {
        auto const& benchmark = arguments.benchmarks[i];
        auto const hops = hops_of(benchmark);
        if (!hops) fail<InputError>("--plan: is of niah_single and niah_multi, not of ", benchmark);
        detail::plan_needles<M>(*hops, arguments, needle_files(i));
      }
      return;
    }
    auto const place = dist::Place::from_environment();
    for (std::size_t i = 0; i < exams.size(); ++i) {
      auto const& benchmark = arguments.benchmarks[i];
      auto const out = several ? arguments.out / benchmark : arguments.out;
      if (exams[i]) {
        detail::evaluate<M>(*exams[i], arguments, scoring, place, out, model);
      } else {
        detail::evaluate_needles<M>(*hops_of(benchmark), arguments, needle_files(i), scoring, place,
                                    model);
      }
    }
  });
}

}  // namespace vcflash::app
