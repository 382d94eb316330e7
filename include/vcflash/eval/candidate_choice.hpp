#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/eval/group.hpp>
#include <vcflash/eval/rows.hpp>
#include <vcflash/eval/scores.hpp>
#include <vcflash/eval/strict_choice.hpp>
#include <vcflash/eval/text_rules.hpp>
#include <vcflash/text/utf8.hpp>

/// How MVBench, MLVU and LVBench grade: rows have `candidates` and an `answer` that is one of them.
namespace vcflash::eval {

namespace detail {

/// Upstream's way with punctuation: a mark that stands beside a space anywhere is deleted, any
/// other becomes a space; all are deleted if a comma stands between digits. Of the periods that
/// are before no digit only the first 32 go: a flag of Python's `re` was given as the number.
inline std::string without_punctuation(std::string const& text) {
  static Regex const comma_in_number(R"(\d,\d)");
  constexpr std::string_view marks = R"(;/[]"{}()=+\_-><@`,?!)";
  bool const numbers = comma_in_number.first(text).has_value();
  std::string result = text;
  for (char const mark : marks) {
    std::string const one(1, mark);
    bool const by_space =
        text.find(one + " ") != std::string::npos || text.find(" " + one) != std::string::npos;
    result = replaced(result, one, by_space || numbers ? "" : " ");
  }
  static Regex const period(R"(\.(?!\d))");
  int left = 32;
  std::string without;
  std::size_t from = 0;
  for (auto const& match : period.all(result)) {
    if (left-- == 0) break;
    auto const at = static_cast<std::size_t>(match[0].data() - result.data());
    without += result.substr(from, at - from);
    from = at + 1;
  }
  return without + result.substr(from);
}

}  // namespace detail

/// What upstream compares, of an answer as of the right letter: a letter A to E where it finds one
/// standing alone (the article "a" is one), else what is left of the text.
inline std::string normalized_choice(std::string_view text) {
  static Regex const leading(R"(^([A-E])\.\s*([^\n]+)\z)", true);
  static Regex const alone(R"(\b([A-E])\b)", true);
  auto const capital = [](std::string_view letter) {
    return std::string(1, static_cast<char>(letter.front() & ~0x20));
  };
  if (auto const match = leading.first(stripped(text))) return capital((*match)[1]);
  std::string const flat = replaced(replaced(text, "\n", " "), "\t", " ");
  std::string const plain = detail::without_punctuation(std::string(stripped(flat)));
  std::string_view rest = plain;
  for (char const mark : {'\'', '"', ')', '('}) rest = stripped(rest, mark);
  std::string const lower = lowered(stripped(rest));
  if (auto const match = alone.first(lower)) return capital((*match)[1]);
  return lower;
}

/// The letter of the first candidate that is the answer.
inline std::optional<std::string> right_letter(Row const& row) {
  auto const candidates = texts_of(row, "candidates");
  auto const place = std::ranges::find(candidates, text_of(row, "answer"));
  if (place == candidates.end()) return std::nullopt;
  return std::string(1, static_cast<char>('A' + (place - candidates.begin())));
}

/// What these three benchmarks share.
template <class Derived>
struct CandidateBenchmark : RowBenchmark<Derived> {
  static constexpr std::int64_t max_new_tokens = 16;

  std::size_t options(Row const& row) const { return row.doc.at("candidates").size(); }

  std::string parse(Row const& row, std::string const& text) const {
    if (this->scoring == Scoring::strict) return strict_choice(text, texts_of(row, "candidates"));
    return right_letter(row) ? normalized_choice(text) : std::string();
  }
  double score(Row const& row, std::string const& parsed) const {
    auto const letter = right_letter(row);
    if (!letter) return 0;
    if (this->scoring == Scoring::upstream) return parsed == normalized_choice(*letter) ? 1 : 0;
    if (parsed.empty()) return 0;
    // a candidate may be there twice: both are right
    auto const candidates = texts_of(row, "candidates");
    return candidates.at(static_cast<std::size_t>(parsed.front() - 'A')) == text_of(row, "answer")
               ? 1
               : 0;
  }

  /// No answer is right where the right one is none of the candidates.
  std::string doubt(Row const& row) const {
    if (right_letter(row)) return {};
    return fmt::format("its answer {} is none of its candidates, so nothing is right.",
                       text::in_quotes(text_of(row, "answer")));
  }

  /// Percent right of each task and of the group. By upstream's rule an empty answer does not
  /// count in its task's value, though it does in the task's weight; a question that could not be
  /// asked has no answer, and is wrong by every rule.
  Scores aggregate(std::vector<Row> const& rows, std::vector<Answer> const& answers) const {
    auto const tasks = Derived::tasks();
    std::vector<ScoreLine> lines(tasks.size());
    std::vector<std::pair<double, std::int64_t>> counted(tasks.size());  // right, of how many
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& line = lines[rows[i].task];
      bool const broken = !answers[i].problem.empty();
      ++line.questions;
      line.broken += broken ? 1 : 0;
      bool const empty = answers[i].text.empty() && !broken;
      if (this->scoring == Scoring::upstream && empty) continue;
      auto& [right, of] = counted[rows[i].task];
      right += answers[i].score;
      ++of;
    }
    GroupValue group;
    ScoreGroup by_task{"by_task", {}};
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (lines[i].questions == 0) continue;
      auto const [right, of] = counted[i];
      lines[i].name = tasks[i].name;
      lines[i].value = of > 0 ? 100 * right / static_cast<double>(of) : 0.0;
      group.add(lines[i].questions, lines[i].value);
      by_task.lines.push_back(std::move(lines[i]));
    }
    return {.value = group.value(),
            .whole = 100,
            .questions = group.questions(),
            .spread = group.stderr_value(),
            .groups = {std::move(by_task)}};
  }

  /// What upstream logs of an answer.
  nlohmann::ordered_json log(Row const& row, Answer const& answer) const {
    auto const letter = right_letter(row);
    nlohmann::ordered_json logged{{"pred_answer", answer.text}};
    logged["gt_answer"] = letter ? nlohmann::ordered_json(*letter) : nlohmann::ordered_json();
    logged["score"] = static_cast<std::int64_t>(answer.score);
    return {{this->task_of(row).metric, std::move(logged)}};
  }
};

}  // namespace vcflash::eval
