#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <vcflash/eval/benchmark_spec.hpp>
#include <vcflash/eval/file_question.hpp>
#include <vcflash/eval/letter_rules.hpp>
#include <vcflash/eval/strict_choice.hpp>
#include <vcflash/eval/text_rules.hpp>
#include <vcflash/eval/time_spans.hpp>

/// How answers to the questions of a benchmark's file are read and scored.
namespace vcflash::eval {

namespace detail {

/// What is compared of a text: its words, without what was thought aloud.
inline std::string compared_words(std::string_view text) { return bare_words(spoken(text)); }

/// The first number in an answer: "2.5", "-3", "1,000".
inline std::optional<double> first_number(std::string_view answer) {
  static Regex const pattern(R"((?<!\w)[-+]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?)");
  auto const match = pattern.first(answer);
  if (!match) return std::nullopt;
  double const value = std::strtod(replaced((*match)[0], ",", "").c_str(), nullptr);
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

/// The share of the ten thresholds 0.5, 0.55, … 0.95 that a number is near enough for: off by at
/// most 1 less the threshold, of the right one (VSI-Bench, Yang et al. 2024).
inline double mean_relative_accuracy(double found, double right) {
  double const off =
      right == 0 ? (found == 0 ? 0.0 : 1.0) : std::abs(found - right) / std::abs(right);
  int reached = 0;
  for (int twentieths = 10; twentieths < 20; ++twentieths)
    reached += off <= (20 - twentieths) / 20.0;
  return reached / 10.0;
}

}  // namespace detail

/// What is graded of an answer; empty if nothing in it can be.
inline std::string parsed_answer(BenchmarkSpec const& spec, FileQuestion const& question,
                                 std::string_view answer, Scoring scoring) {
  switch (spec.score.rule) {
    case AnswerRule::choice:
      return scoring == Scoring::upstream && spec.score.lmms_eval
                 ? letter_by(*spec.score.lmms_eval, answer, question.given)
                 : strict_choice(answer, question.options);
    case AnswerRule::exact:
    case AnswerRule::contains:
      return detail::compared_words(answer);
    case AnswerRule::number: {
      auto const number = detail::first_number(spoken(answer));
      return number ? nlohmann::json(*number).dump() : std::string();
    }
    case AnswerRule::span: {
      auto const span = strict_span(answer);
      if (!span || !std::isfinite(span->end)) return {};
      return nlohmann::json{span->start, span->end}.dump();
    }
  }
  return {};
}

/// \param parsed as `parsed_answer` gives it  \return 0 to 1
inline double score_of(BenchmarkSpec const& spec, FileQuestion const& question,
                       std::string const& parsed) {
  if (parsed.empty()) return 0;
  switch (spec.score.rule) {
    case AnswerRule::choice:
      return parsed == question.right.front() ? 1 : 0;
    case AnswerRule::exact:
    case AnswerRule::contains:
      return std::ranges::any_of(question.right,
                                 [&](std::string const& right) {
                                   auto const words = detail::compared_words(right);
                                   if (spec.score.rule == AnswerRule::exact) return parsed == words;
                                   return !detail::option_in_words(parsed, {words}).empty();
                                 })
                 ? 1
                 : 0;
    case AnswerRule::number: {
      double const found = std::strtod(parsed.c_str(), nullptr), right = question.number;
      if (spec.score.mean_relative_accuracy) return detail::mean_relative_accuracy(found, right);
      double const off =
          std::max(spec.score.tolerance, spec.score.relative_tolerance * std::abs(right));
      return std::abs(found - right) <= off ? 1 : 0;
    }
    case AnswerRule::span: {
      auto const span = nlohmann::json::parse(parsed);
      return intersection_over_union(question.span, {span.at(0), span.at(1)});
    }
  }
  return 0;
}

}  // namespace vcflash::eval
