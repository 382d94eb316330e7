#include <benchmark/benchmark.h>
#include <vcflash/app/trained_model.hpp>
#include <vcflash/app/viewing.hpp>
#include <vcflash/eval/benchmarks/shapes.hpp>
#include <vcflash/eval/run.hpp>

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recipes/models/tiny.hpp"

/// 300 questions about 60 clips, asked of what the demo trained: VCFLASH_DEMO=demo-out. Also as if
/// it had been made to drop visual tokens, half of them evenly and then by attention.

namespace {

using namespace vcflash;
using Tiny = recipes::models::tiny;
using Answers = std::vector<std::string>;

struct Dropping
    : ModelOf<Tiny::Encoder, ToMeKind<8, 16, "ToMe8">,
              Tiny::Llm::With<UniformThenAttention<DropSchedule{{1, 2}, {1.0, 0.5, 0.25}}>>> {
  static constexpr Name name = "tiny that drops visual tokens";
};

template <class M>
struct Evaluation {
  explicit Evaluation(std::filesystem::path const& demo)
      : model(app::TrainedModel<M>::from({.folder = demo / "stage4"})),
        options(app::Viewing{}.options(demo / "stage4", asking_of<M>())) {
    auto const all = eval::Shapes{}.load(demo / "data");
    eval::ExamOf<eval::Shapes> const whole({}, all);
    std::vector<std::size_t> forwards;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].showing != eval::Shapes::Showing::backwards) forwards.push_back(i);
    }
    std::vector<eval::Shapes::Question> chosen;
    for (auto const& group : eval::by_video(whole, forwards)) {
      if (group.size() < 5 || chosen.size() == 300) continue;
      for (std::size_t i = 0; i < 5; ++i) chosen.push_back(all[group[i]]);
    }
    exam = std::make_unique<eval::ExamOf<eval::Shapes>>(eval::Shapes{}, chosen);
    for (std::size_t i = 0; i < chosen.size(); ++i) questions.push_back(i);
  }

  /// The video is decoded and encoded for every question, and the whole prompt computed.
  Answers one_by_one() const {
    Answers answers;
    infer::GenerateOptions const greedy{.max_new_tokens = exam->max_new_tokens(),
                                        .stop_ids = text::end_of_answer_ids(model.tokenizer),
                                        .vocabulary = model.tokenizer.vocabulary()};
    for (std::size_t const i : questions) {
      auto const decoded =
          eval::detail::decode(exam->medium(i), options, Tiny::Encoder::resolution);
      auto const tokens = infer::look_at<M>(model.network, decoded.video.frames, Modality::video);
      std::array turns{text::Turn{text::Turn::From::human, "<image>\n" + exam->prompt(i)}};
      text::place_media(turns, {});
      auto const ids = text::encode_prompt(model.tokenizer, options.chat, turns);
      auto const prompt = infer::embed_prompt(model.network, ids, std::span(&tokens, 1));
      answers.push_back(
          model.tokenizer.decode(infer::generate(model.network.llm, prompt, greedy).ids, true));
    }
    return answers;
  }

  Answers in_batches(std::int64_t batch) const {
    Answers answers(questions.size());
    auto asked = options;
    asked.batch = batch;
    eval::run<M>(model.network, model.tokenizer, *exam, questions, asked,
                 [&](std::size_t i, eval::Said const& said) { answers[i] = said.text; });
    return answers;
  }

  app::TrainedModel<M> model;
  eval::RunOptions options;
  std::unique_ptr<eval::Exam> exam;
  std::vector<std::size_t> questions;
};

/// \param batch 0: one by one
template <class M>
void evaluation(benchmark::State& state) {
  char const* const demo = std::getenv("VCFLASH_DEMO");
  if (demo == nullptr) return state.SkipWithError("VCFLASH_DEMO names no folder of apps/demo");
  static Evaluation<M> const asked(demo);
  static Answers const expected = asked.one_by_one();
  auto const batch = state.range(0);
  for (auto _ : state) {
    if ((batch == 0 ? asked.one_by_one() : asked.in_batches(batch)) != expected) {
      return state.SkipWithError("the answers differ");
    }
  }
  state.SetItemsProcessed(state.iterations() * std::ssize(asked.questions));
}
BENCHMARK(evaluation<Tiny>)
    ->ArgName("batch")
    ->Arg(0)
    ->Arg(1)
    ->Arg(4)
    ->Arg(8)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(evaluation<Dropping>)
    ->ArgName("batch")
    ->Arg(0)
    ->Arg(1)
    ->Arg(8)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
