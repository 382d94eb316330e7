#pragma once

#include <vcflash/app/log.hpp>
#include <vcflash/app/needle_evaluation.hpp>
#include <vcflash/app/needle_results.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/base/process_memory.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/eval/all_benchmarks.hpp>
#include <vcflash/eval/share.hpp>
#include <vcflash/infer/prompt_length.hpp>
#include <vcflash/media/video.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace vcflash::app::detail {

/// The case that makes the longest input, which is the first of those to be refused.
/// \throws InputError if its prompt is longer than the model takes
inline eval::needle::Case const& longest_of(std::vector<eval::needle::Case> const& cases,
                                            ModelFacts const& facts, NeedleModel const& model,
                                            EvalArguments const& arguments) {
  LlmFacts llm = *facts.llm;
  llm.scaling = scaling_for(llm, arguments.rope_scaling, arguments.model);
  for (auto const& asked : cases) {
    try {
      infer::require_fits<InputError>(llm, model.input_tokens(asked));
    } catch (InputError const& error) {
      auto const told =
          fmt::format("a haystack of {} frames is too long: {}", asked.frames, error.what());
      if (arguments.beyond_length) {
        warn(told + "; what is found there says nothing of the model");
        break;
      }
      throw InputError(told + (llm.scaling.stretches()
                                   ? "; --beyond-length goes on all the same"
                                   : "; --rope-scaling yarn:4 makes it four times as many, and "
                                     "--beyond-length goes on all the same"));
    }
  }
  return *std::ranges::max_element(cases, {}, model.input_tokens);
}

VCFLASH_INLINE NeedleQuestions needle_questions(ModelFacts const& facts, NeedleModel const& model,
                                                eval::needle::Hops hops,
                                                EvalArguments const& arguments,
                                                NeedleFiles const& files) {
  NeedleQuestions asked{.hops = hops};
  auto const& media = files.media.empty() ? files.data : files.media;
  asked.rows = eval::needle::load_rows(hops, files.data, media);
  auto const count = eval::limited(std::ssize(asked.rows), arguments.limit);
  asked.rows.resize(static_cast<std::size_t>(count));
  for (auto const& row : asked.rows) {
    for (auto const& image : row.images) {
      if (!std::filesystem::is_regular_file(image)) {
        throw InputError(
            fmt::format("{}: the picture {} is not there; give the folder that has it as --media.",
                        eval::needle::name_of(hops), image.string()));
      }
    }
  }
  auto const tokenizer = tokenizer_for(*facts.llm, arguments.model);
  asked.cases = eval::needle::cases_of(hops, asked.rows, arguments.grid, tokenizer);
  longest_of(asked.cases, facts, model, arguments);
  asked.haystack =
      arguments.haystack.empty() ? files.data / "video_haystack.mkv" : arguments.haystack;
  asked.frames = arguments.grid.frames().back();
  if (!std::filesystem::is_regular_file(asked.haystack)) {
    throw InputError(
        fmt::format("{}: the haystack {} is not there; give the long video as --haystack.",
                    eval::needle::name_of(hops), asked.haystack.string()));
  }
  return asked;
}

VCFLASH_INLINE std::string to_text(eval::needle::MemoryPlan const& plan, std::string_view benchmark,
                                   std::string_view dtype) {
  auto text = fmt::format(
      "{}, {}: a haystack of {} frames, {} visual tokens to look at, {} tokens in the longest "
      "input\n\n",
      benchmark, dtype, plan.frames, plan.visual_tokens, plan.input_tokens);
  auto const add = [&](std::string_view name, std::int64_t bytes) {
    constexpr double gib = 1024.0 * 1024.0 * 1024.0;
    text += fmt::format("{:<18}{:>12.3f} GiB\n", name, static_cast<double>(bytes) / gib);
  };
  add("weights", plan.weights);
  add("visual tokens", plan.visual);
  add("keys and values", plan.cache);
  add("activations", plan.activations);
  add("pictures", plan.pictures);
  add("all", plan.total());
  return text;
}

VCFLASH_INLINE void plan_needles(ModelFacts const& facts, NeedleModel const& model,
                                 NeedleQuestions const& asked, EvalArguments const& arguments) {
  auto const info = media::probe_video(asked.haystack);
  std::int64_t needles = 0;
  for (auto const& row : asked.rows) needles += std::ssize(row.images);
  auto const plan = model.plan({.longest = &longest_of(asked.cases, facts, model, arguments),
                                .seconds = eval::needle::haystack_seconds(
                                    info, asked.haystack, asked.frames, facts.clip_frames),
                                .needles = needles,
                                .height = info.height,
                                .width = info.width},
                               dtype_of(arguments.dtype));
  fmt::print("{}", to_text(plan, eval::needle::name_of(asked.hops), arguments.dtype));
}

VCFLASH_INLINE void evaluate_needles(ModelFacts const& facts, NeedleModel const& model,
                                     NeedleQuestions const& asked, EvalArguments const& arguments,
                                     eval::Scoring scoring, eval::Processes& processes,
                                     std::filesystem::path const& out) {
  namespace needle = eval::needle;
  std::string const name(needle::name_of(asked.hops));
  double const began = Progress::steady_seconds();
  auto const& cases = asked.cases;
  auto const longest = model.input_tokens(longest_of(cases, facts, model, arguments));
  auto about = about_model(facts, arguments);
  about["haystack"] = asked.haystack.string();
  auto header = about_answers(about, arguments);
  header["benchmark"] = name;
  header["questions"] = needles_fingerprint(asked.rows, cases);
  header["haystack"] = file_fingerprint(asked.haystack);

  if (processes.is_finished(name)) return;
  checkpoint::make_folder(out);
  eval::SharedAnswers answers(out, header, processes, arguments.fresh);
  std::vector<eval::SharedQuestion> questions;
  for (auto const& one : cases) questions.push_back({one.id, one.group});
  std::int64_t done = 0, right = 0;
  auto const count = [&](std::size_t i, eval::Said const& said) {
    ++done;
    right += needle::is_right(cases[i], said, scoring) ? 1 : 0;
  };
  auto const ask = [&](std::vector<std::size_t> const& left) {
    if (done > 0) {
      inform(fmt::format("{}: {} of {} questions were answered before", name, done, cases.size()));
    }
    auto const answer = [&] {
      Progress progress("haystack", "frame", asked.frames);
      return model.look(asked, longest,
                        [&](std::int64_t seen) { progress.update(std::min(seen, asked.frames)); });
    }();
    Progress progress(name, "question", done + std::ssize(left), done);
    for (std::size_t const i : left) {
      eval::Said const said{.text = answer(cases[i])};
      answers.add(cases[i].id, said);
      count(i, said);
      progress.update(done, fmt::format("score {:.3f}",
                                        static_cast<double>(right) / static_cast<double>(done)));
    }
  };
  auto const said = eval::answer_all(
      answers, questions, {.ask = ask, .on_known = count, .on_left_behind = [&](std::size_t left) {
                             warn_of_left_behind(name, left);
                           }});
  if (!said) return;
  auto const average =
      write_needle_results(out, asked.hops, asked.rows, cases, *said, scoring, about);
  processes.finish(name);
  answers.remove();
  fmt::print("average accuracy {:.4f}\n{} questions in {}, {:.2f} GiB of memory at most; see {}\n",
             average, cases.size(), as_duration(Progress::steady_seconds() - began),
             static_cast<double>(peak_memory_mib()) / 1024, (out / "heatmap.svg").string());
}

}  // namespace vcflash::app::detail
