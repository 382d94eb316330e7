#pragma once

#include <vcflash/app/eval_arguments.hpp>
#include <vcflash/app/needle_evaluation.hpp>
#include <vcflash/eval/exam.hpp>
#include <vcflash/eval/registry.hpp>
#include <vcflash/eval/run.hpp>
#include <vcflash/meta/separate.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace vcflash::app {

namespace detail {

/// What a model's type gives to its program; the rest is the same for all models, and compiled
/// once.
struct EvalProgram {
  using Answered = std::function<void(std::size_t question, eval::Said const&)>;

  ModelFacts facts;
  std::function<void(EvalArguments&)> begin;  ///< the device must be there from now on
  std::function<void()> load;                 ///< the weights, before the first question
  std::function<void(eval::Exam const&, std::vector<std::size_t> const& questions,
                     eval::RunOptions const&, Answered const&)>
      ask;
  NeedleModel needles;
};

int run_eval_program(EvalProgram const& model, int argc, char** argv);

}  // namespace detail

/// The program `eval-<model>`.
/// \tparam Benchmarks that it knows by name besides vcflash's own
template <Model M, eval::Benchmark... Benchmarks>
int eval_main(int argc, char** argv) {
  (eval::register_benchmark<Benchmarks>(), ...);
  std::optional<detail::LazyModel<M>> model;
  return detail::run_eval_program(
      {.facts = detail::facts_of<M>,
       .begin = [&](detail::EvalArguments& arguments) { model.emplace(arguments); },
       .load = [&] { (*model)(); },
       .ask =
           [&](eval::Exam const& exam, std::vector<std::size_t> const& questions,
               eval::RunOptions const& viewing, detail::EvalProgram::Answered const& answered) {
             auto const& loaded = (*model)();
             eval::run<M>(loaded.network, loaded.tokenizer, exam, questions, viewing, answered);
           },
       .needles = detail::needle_model<M>(model)},
      argc, argv);
}

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/eval_main.ipp>
#endif
