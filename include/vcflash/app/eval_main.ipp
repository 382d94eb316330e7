#pragma once

#include <vcflash/app/eval_main.hpp>
#include <vcflash/app/evaluation_report.hpp>
#include <vcflash/app/log.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/dist/launch.hpp>
#include <vcflash/eval/all_benchmarks.hpp>
#include <vcflash/eval/evaluate.hpp>
#include <vcflash/eval/lmms_layout.hpp>
#include <vcflash/eval/missing_media.hpp>
#include <vcflash/eval/regrade.hpp>
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

/// The folder of one benchmark below `folder`, if several have one each.
inline std::filesystem::path folder_of(std::filesystem::path const& folder,
                                       std::string const& benchmark, bool several) {
  auto const own = folder / eval::short_name(benchmark);
  return several && !folder.empty() && std::filesystem::is_directory(own) ? own : folder;
}

/// One of the benchmarks that are asked, its questions read.
struct ChosenBenchmark {
  std::string name;
  std::filesystem::path data, media, out;  ///< folders of its questions, videos and results
  std::unique_ptr<eval::Exam> exam{};
  nlohmann::ordered_json source{};           ///< where its questions came from
  std::optional<NeedleQuestions> needles{};  ///< instead of an exam
};

/// Reads the questions of all benchmarks: what is wrong with one is said before any is asked.
inline std::vector<ChosenBenchmark> read_questions(EvalProgram const& model,
                                                   EvalArguments const& arguments,
                                                   eval::Scoring scoring) {
  auto const selection = eval::selection_of(arguments.benchmarks);
  bool const several = selection.size() > 1;
  std::vector<ChosenBenchmark> all;
  for (auto const& [name, tasks] : selection) {
    auto& asked = all.emplace_back(
        ChosenBenchmark{.name = name,
                        .data = folder_of(arguments.data, name, several),
                        .media = folder_of(arguments.media, name, several),
                        .out = several ? arguments.out / eval::short_name(name) : arguments.out});
    for (auto const hops : {eval::needle::Hops::single, eval::needle::Hops::multi}) {
      if (name != name_of(hops)) continue;
      asked.needles = needle_questions(model.facts, model.needles, hops, arguments,
                                       {.data = asked.data, .media = asked.media});
    }
    if (asked.needles) continue;
    eval::ExamOptions const options{.data = asked.data,
                                    .media = asked.media,
                                    .scoring = scoring,
                                    .limit = arguments.limit,
                                    .tasks = tasks};
    asked.exam = eval::open_exam(name, options);
    asked.source = eval::source_of(name, options);
  }
  return all;
}

/// Refuses questions that have no options to choose from.
inline void require_options(ChosenBenchmark const& asked) {
  std::size_t question = 0;
  if (asked.exam) {
    while (question < asked.exam->size() && asked.exam->options(question) > 0) ++question;
    if (question == asked.exam->size()) return;
  }
  throw InputError(
      fmt::format("--choose likelihood: is of questions with options, which {} of {} has not.",
                  asked.exam ? "question " + asked.exam->id(question) : "a needle", asked.name));
}

/// Refuses what could only fail when all is asked.
inline void require_askable(std::vector<ChosenBenchmark> const& all,
                            EvalArguments const& arguments) {
  auto const place = [](std::filesystem::path const& folder) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(folder));
  };
  for (auto const& asked : all) {
    if (place(asked.out) == place(arguments.model)) {
      throw InputError(fmt::format(
          "--out {}: is the model's folder, whose report would be overwritten; give another, "
          "{} perhaps.",
          asked.out.string(), (asked.out / "eval").string()));
    }
    if (!arguments.layout.empty() && !(asked.exam && asked.exam->in_lmms())) {
      fail<InputError>("--layout lmms-eval: lmms-eval has no benchmark ", asked.name);
    }
    if (arguments.choose == "likelihood") require_options(asked);
    if (asked.exam) {
      eval::require_media(*asked.exam, asked.media.empty() ? asked.data : asked.media,
                          arguments.max_broken);
    }
  }
}

/// Writes the layout of upstream's harness, which knows its own rule alone.
inline void write_layout(eval::Exam const& exam, std::vector<eval::Said> const& said,
                         EvalArguments const& arguments, std::int64_t max_frames,
                         std::filesystem::path const& out) {
  auto const by_upstream = exam.with_scoring(eval::Scoring::upstream);
  auto const& graded = by_upstream ? *by_upstream : exam;
  auto const folder = graded.write_lmms(
      out, graded.graded(said),
      {.model_args =
           fmt::format("pretrained={},max_num_frames={}", arguments.model.string(), max_frames),
       .suffix = exam.name(),
       .time = eval::lmms_time(std::time(nullptr)),
       .limit = arguments.limit > 0 ? nlohmann::ordered_json(arguments.limit) : nullptr});
  fmt::print("lmms-eval's layout: {}\n", folder.string());
}

/// Runs one benchmark, which has an exam, and writes what came of it.
/// \return how many questions could not be asked
inline std::size_t evaluate(EvalProgram const& model, ChosenBenchmark const& chosen,
                            EvalArguments const& arguments, eval::Scoring scoring,
                            eval::Processes& processes) {
  auto const& exam = *chosen.exam;
  auto const& out = chosen.out;
  auto const viewing = run_options(model.facts, arguments, exam.frames());
  double const began = Progress::steady_seconds();
  auto about = about_run(model.facts, arguments, viewing);
  about["max_new_tokens"] = exam.max_new_tokens();
  eval::Evaluation evaluation{.out = out,
                              .media = chosen.media.empty() ? chosen.data : chosen.media,
                              .scoring = scoring,
                              .about = about,
                              .depends_on = about_answers(about, arguments),
                              .fresh = arguments.fresh};
  evaluation.about["source"] = chosen.source;
  std::int64_t done = 0, counted = 0;
  double right = 0;
  auto const count = [&](std::size_t i, eval::Said const& said) {
    ++done;
    if (!exam.counts(i)) return;
    right += exam.graded(i, said).score;
    ++counted;
  };
  evaluation.on_known = count;
  evaluation.on_left_behind = [&](std::size_t questions) {
    warn_of_left_behind(exam.name(), questions);
  };
  evaluation.on_written = [&](auto const&, std::vector<eval::Said> const& said) {
    write_evaluation_report(out, exam);
    if (arguments.layout.empty()) return;
    write_layout(exam, said, arguments, viewing.frames.max_frames, out);
  };
  auto const results = eval::evaluate(
      exam, evaluation, processes, [&](std::vector<std::size_t> const& left, auto const& answered) {
        if (done > 0) {
          inform(fmt::format("{}: {} of {} questions were answered before", exam.name(), done,
                             exam.size()));
        }
        model.load();
        if (auto const sentence = advice(viewing); !sentence.empty()) warn(sentence);
        Progress progress(exam.name(), "question", done + std::ssize(left), done);
        model.ask(exam, left, viewing, [&](std::size_t i, eval::Said const& said) {
          answered(i, said);
          count(i, said);
          if (!said.problem.empty()) warn(fmt::format("{}: {}", exam.id(i), said.problem));
          auto const asked = static_cast<double>(std::max<std::int64_t>(1, counted));
          progress.update(done, fmt::format("score {:.3f}", right / asked));
        });
      });
  if (!results) return 0;
  auto const broken = results->at("broken").size();
  fmt::print("{}\n{} questions in {}{}; see {}\n", results->at("scores").dump(2), exam.size(),
             as_duration(Progress::steady_seconds() - began),
             broken > 0 ? fmt::format(", {} of them broken and counted as wrong", broken) : "",
             (out / "report.html").string());
  return broken;
}

VCFLASH_INLINE int run_eval_program(EvalProgram const& model, int argc, char** argv) {
  auto const name = fmt::format("eval-{}", model.facts.name);
  Program program(
      name,
      fmt::format("Asks the model {} a benchmark's questions about videos and grades its answers. "
                  "Killed and started again, it asks what is left. Ends with 3 if a question "
                  "could not be asked.",
                  model.facts.name),
      fmt::format("{0} --model demo-out/stage4 --benchmark shapes --data demo-out/data "
                  "--out demo-out/eval\n"
                  "{0} --model FOLDER --benchmark mvbench,videomme --data DIR --out DIR "
                  "--layout lmms-eval",
                  name));
  EvalArguments arguments;
  arguments.add_flags(program.flags());

  std::size_t broken = 0;
  int const code = program.run(argc, argv, [&] {
    set_up_log(name);
    model.begin(arguments);
    auto const scoring =
        arguments.scoring == "strict" ? eval::Scoring::strict : eval::Scoring::upstream;
    auto const all = read_questions(model, arguments, scoring);
    if (arguments.plan) {
      for (auto const& asked : all) {
        if (!asked.needles) {
          fail<InputError>("--plan: is of niah_single and niah_multi, not of ", asked.name);
        }
        plan_needles(model.facts, model.needles, *asked.needles, arguments);
      }
      return;
    }
    require_askable(all, arguments);
    auto const place = dist::Place::from_environment();
    for (auto const& asked : all) {
      if (asked.exam && place.rank == 0) {
        for (auto const& note : asked.exam->notes()) warn(note);
      }
    }
    checkpoint::make_folder(arguments.out);
    eval::Processes processes(arguments.out, place);
    for (auto const& asked : all) {
      if (asked.exam) {
        broken += evaluate(model, asked, arguments, scoring, processes);
      } else {
        evaluate_needles(model.facts, model.needles, *asked.needles, arguments, scoring, processes,
                         asked.out);
      }
    }
    processes.dismiss();
  });
  constexpr int some_were_broken = 3;
  return code == 0 && broken > 0 ? some_were_broken : code;
}

}  // namespace vcflash::app::detail
