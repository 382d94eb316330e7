#pragma once

#include <vcflash/app/eval_arguments.hpp>
#include <vcflash/eval/needle_exam.hpp>
#include <vcflash/eval/needle_plan.hpp>
#include <vcflash/eval/needle_run.hpp>
#include <vcflash/eval/share.hpp>
#include <vcflash/meta/separate.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A needle in a haystack, as `eval-<model>` asks it.
namespace vcflash::app::detail {

/// A benchmark of needles as the command line names it.
struct NeedleFiles {
  std::filesystem::path data, media;  ///< folders of its questions and its pictures
};

/// What is asked of a model.
struct NeedleQuestions {
  eval::needle::Hops hops;
  std::vector<eval::needle::Row> rows{};
  std::vector<eval::needle::Case> cases{};
  std::filesystem::path haystack{};
  std::int64_t frames = 0;  ///< of the longest haystack
};

/// What a model's type gives to a search for needles.
struct NeedleModel {
  using Answer = std::function<std::string(eval::needle::Case const&)>;
  using OnFrames = std::function<void(std::int64_t seen)>;

  /// Positions of a case's input.
  std::function<std::int64_t(eval::needle::Case const&)> input_tokens;
  std::function<eval::needle::MemoryPlan(eval::needle::PlannedSearch const&, at::ScalarType)> plan;
  /// Looks at the haystack and the needles.
  /// \return answers a case  \param longest input positions of the longest case
  std::function<Answer(NeedleQuestions const&, std::int64_t longest, OnFrames const&)> look;
};

template <Model M>
NeedleModel::Answer look(TrainedModel<M> const& model, NeedleQuestions const& questions,
                         std::int64_t longest, NeedleModel::OnFrames const& on_frames) {
  namespace needle = eval::needle;
  auto const& network = model.network;
  std::vector<Tensor> needles;
  std::vector<std::int64_t> first_needle;
  for (auto const& row : questions.rows) {
    first_needle.push_back(std::ssize(needles));
    for (auto const& image : row.images) {
      needles.push_back(needle::look_at_needle<M>(network, image));
    }
  }
  Tensor hay =
      needle::look_at_haystack<M>(network, questions.haystack, questions.frames, on_frames);
  auto const search = std::make_shared<needle::Search<M>>(network, std::move(hay), needles,
                                                          std::move(first_needle), longest);
  return [&model, search](needle::Case const& asked) {
    return model.tokenizer.decode(search->predict(asked));
  };
}

/// \param model there before anything is looked at
template <Model M>
NeedleModel needle_model(std::optional<LazyModel<M>>& model) {
  return {.input_tokens = eval::needle::input_tokens<M>,
          .plan = eval::needle::plan_memory<M>,
          .look = [&model](NeedleQuestions const& questions, std::int64_t longest,
                           NeedleModel::OnFrames const& on_frames) {
            return detail::look<M>((*model)(), questions, longest, on_frames);
          }};
}

/// What `--plan` says of a search.
std::string to_text(eval::needle::MemoryPlan const& plan, std::string_view benchmark,
                    std::string_view dtype);

/// Reads the questions of one of the two tests.
/// \throws InputError if they cannot be read, the longest is longer than the model takes, or a
///   picture or the haystack is not there
NeedleQuestions needle_questions(ModelFacts const& facts, NeedleModel const& model,
                                 eval::needle::Hops hops, EvalArguments const& arguments,
                                 NeedleFiles const& files);

/// Says how much memory a search takes, before anything of it is there.
void plan_needles(ModelFacts const& facts, NeedleModel const& model, NeedleQuestions const& asked,
                  EvalArguments const& arguments);

/// Runs one of the two tests and writes what came of it.
/// \param out folder of its results
void evaluate_needles(ModelFacts const& facts, NeedleModel const& model,
                      NeedleQuestions const& asked, EvalArguments const& arguments,
                      eval::Scoring scoring, eval::Processes& processes,
                      std::filesystem::path const& out);

}  // namespace vcflash::app::detail

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/needle_evaluation.ipp>
#endif
