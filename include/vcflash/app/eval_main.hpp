#pragma once

#include <vcflash/app/log.hpp>
#include <vcflash/app/machine.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/app/trained_model.hpp>
#include <vcflash/app/viewing.hpp>
#include <vcflash/eval/all_benchmarks.hpp>
#include <vcflash/eval/results.hpp>
#include <vcflash/eval/run.hpp>
#include <vcflash/eval/sha256.hpp>
#include <vcflash/eval/share.hpp>
#include <vcflash/infer/sampling.hpp>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vcflash::app {

namespace detail {

struct EvalArguments {
  std::filesystem::path model, data, media, out;
  std::vector<std::string> benchmarks;
  std::string dtype = "float32", scoring = "upstream", layout;
  std::int64_t limit = 0, batch = 8;
  bool fresh = false;
  Viewing viewing;
};

/// Tells one model folder from another without reading its weights: its files, their sizes and when
/// they were written.
inline std::string folder_fingerprint(std::filesystem::path const& folder) {
  std::map<std::string, std::string> files;
  std::error_code none;
  for (auto const& entry : std::filesystem::directory_iterator(folder, none)) {
    if (!entry.is_regular_file(none)) continue;
    files[entry.path().filename().string()] = fmt::format(
        "{} {}", entry.file_size(none), entry.last_write_time(none).time_since_epoch().count());
  }
  return eval::sha256(nlohmann::json(files).dump()).substr(0, 16);
}

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

/// A model that is loaded when it is first needed.
template <Model M>
class LazyModel {
 public:
  explicit LazyModel(EvalArguments const& arguments) : arguments_(arguments) {}

  TrainedModel<M> const& operator()() {
    if (!model_) {
      model_ = TrainedModel<M>::from_folder(arguments_.model, dtype_of(arguments_.dtype));
    }
    return *model_;
  }

 private:
  EvalArguments const& arguments_;
  std::optional<TrainedModel<M>> model_;
};

/// Runs one benchmark and writes what came of it.
/// \param out folder of its results
template <Model M>
void evaluate(eval::Exam const& exam, EvalArguments const& arguments, eval::Scoring scoring,
              eval::Share const& share, std::filesystem::path const& out, LazyModel<M>& model) {
  auto viewing =
      arguments.viewing.options(arguments.model, M::Encoder::clip_frames, M::time_message);
  viewing.batch = arguments.batch;
  viewing.repetition_penalty = infer::sampling_of(arguments.model).repetition_penalty;
  double const began = Progress::steady_seconds();
  nlohmann::ordered_json const about{
      {"model", std::string(std::string_view(M::name))},
      {"folder", arguments.model.string()},
      {"dtype", arguments.dtype},
      {"frames",
       {{"least", viewing.frames.min_frames},
        {"most", viewing.frames.max_frames},
        {"sampling", std::string(name_of(viewing.frames.sampling))}}},
      {"time_message", viewing.time_message},
      {"repetition_penalty", viewing.repetition_penalty}};
  nlohmann::json header = about;
  header["benchmark"] = exam.name();
  header["weights"] = folder_fingerprint(arguments.model);
  header["questions"] = questions_fingerprint(exam);

  make_folder(out);
  if (arguments.fresh) std::filesystem::remove(eval::journal_path(out, share.rank));
  eval::Journal journal(eval::journal_path(out, share.rank), header);
  auto known = eval::journalled_answers(out, header);
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
      if (auto const answer = known.find(exam.id(i)); answer != known.end()) {
        count(i, answer->second);
      } else if (share.takes(group)) {
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
                   journal.add(exam.id(i), said);
                   count(i, said);
                   if (!said.problem.empty()) spdlog::warn("{}: {}", exam.id(i), said.problem);
                   auto const asked = static_cast<double>(std::max<std::int64_t>(1, counted));
                   progress.update(done, fmt::format("score {:.3f}", right / asked));
                 });
  }
  if (share.rank != 0) return;

  known = eval::gather_answers(out, header, share, [&](auto const& answers) {
    return std::ranges::count_if(all, [&](auto i) { return !answers.contains(exam.id(i)); });
  });
  std::vector<eval::Said> said;
  for (std::size_t const i : all) said.push_back(known.at(exam.id(i)));
  auto const results = eval::write_results(out, exam, scoring, said, about);
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
  for (auto const& path : eval::journals(out)) std::filesystem::remove(path);
  auto const broken = results.at("broken").size();
  fmt::print("{}\n{} questions in {}{}; see {}\n", results.at("scores").dump(2), exam.size(),
             as_duration(Progress::steady_seconds() - began),
             broken > 0 ? fmt::format(", {} of them broken and counted as wrong", broken) : "",
             (out / "results.json").string());
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
      .add_option("--benchmark", arguments.benchmarks,
                  "One or more, with commas between: " + eval::benchmark_names())
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
                  "Folder for answers.jsonl and results.json; several benchmarks have a folder "
                  "each there")
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
  flags.add_option("--limit", arguments.limit, "Ask only so many questions; 0: all")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  flags
      .add_option("--batch", arguments.batch,
                  "Most questions about one video that are answered side by side")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  flags.add_option("--dtype", arguments.dtype, "float32 or bfloat16")
      ->check(CLI::IsMember({"float32", "bfloat16"}))
      ->capture_default_str();
  arguments.viewing.add_flags(flags);

  return program.run(argc, argv, [&] {
    set_up_log(name);
    auto const scoring =
        arguments.scoring == "strict" ? eval::Scoring::strict : eval::Scoring::upstream;
    bool const several = arguments.benchmarks.size() > 1;
    std::vector<std::unique_ptr<eval::Exam>> exams;
    for (auto const& benchmark : arguments.benchmarks) {
      exams.push_back(eval::open_exam(
          benchmark, {.data = detail::folder_of(arguments.data, benchmark, several),
                      .media = detail::folder_of(arguments.media, benchmark, several),
                      .scoring = scoring,
                      .limit = arguments.limit}));
    }
    auto const share = eval::Share::from_environment();
    detail::LazyModel<M> model(arguments);
    for (auto const& exam : exams) {
      detail::evaluate<M>(*exam, arguments, scoring, share,
                          several ? arguments.out / exam->name() : arguments.out, model);
    }
  });
}

}  // namespace vcflash::app
