#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/eval/strict_choice.hpp>
#include <vcflash/eval/text_rules.hpp>

/// How lmms-eval finds an option's letter in an answer, where each of its benchmarks has a rule of
/// its own, with its accidents. Where it would draw a letter at random or ask a judge, there is
/// none here.
namespace vcflash::eval {

enum class LetterRule { egoschema, motionbench, nextqa, tempcompass, tvbench, videomme_v2 };

namespace detail {

/// \return an ASCII letter as a capital
inline std::string as_capital(std::string_view letter) {
  return std::string(1, static_cast<char>(letter.front() & ~0x20));
}

/// What both rules that come from MMMU's begin with: the answer without marks around it, between
/// blanks.
inline std::string between_blanks(std::string_view answer) {
  for (char const mark : {',', '.', '!', '?', ';', ':', '\''}) answer = stripped(answer, mark);
  return " " + std::string(answer) + " ";
}

/// The options whose words stand in an answer of more than five words, and where each stands last.
inline std::vector<std::pair<std::size_t, std::size_t>> options_in_words(
    std::string_view answer, std::vector<std::string> const& options) {
  std::vector<std::pair<std::size_t, std::size_t>> found;
  if (word_count(answer) <= 5) return found;
  std::string const lower = lowered(answer);
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (auto const at = lower.rfind(lowered(options[i])); at != std::string::npos) {
      found.emplace_back(i, at);
    }
  }
  return found;
}

/// `(B)` anywhere, else `B ` and else `B.`, be it the end of a word; else an option's words. Of
/// several the one that stands last, where letters without brackets are placed by ` B `.
inline std::string nextqa_letter(std::string_view answer, std::vector<std::string> const& options) {
  std::string const text = between_blanks(answer);
  for (auto const& [before, after] :
       {std::pair<char const*, char const*>{"(", ")"}, {"", " "}, {"", "."}}) {
    std::optional<std::size_t> last;
    std::int64_t last_place = 0;
    bool const brackets = *before == '(';
    for (std::size_t i = 0; i < options.size(); ++i) {
      if (text.find(before + option_letter(i) + after) == std::string::npos) continue;
      auto const at =
          text.rfind(brackets ? "(" + option_letter(i) + ")" : " " + option_letter(i) + " ");
      auto const place = at == std::string::npos ? -1 : static_cast<std::int64_t>(at);
      if (last && place <= last_place) continue;
      last = i;
      last_place = place;
    }
    if (last) return option_letter(*last);
  }
  std::optional<std::pair<std::size_t, std::size_t>> last;
  for (auto const& found : options_in_words(text, options)) {
    if (!last || found.second > last->second) last = found;
  }
  return last ? option_letter(last->first) : std::string();
}

/// The same three forms side by side, and of several the one whose last place is first.
inline std::string egoschema_letter(std::string_view answer,
                                    std::vector<std::string> const& options) {
  std::string const text = between_blanks(answer);
  std::optional<std::pair<std::size_t, std::size_t>> first;
  auto const add = [&](std::size_t option, std::size_t at) {
    if (at != std::string::npos && (!first || at < first->second)) first = {option, at};
  };
  for (auto const& [before, after] :
       {std::pair<char const*, char const*>{"(", ")"}, {"", " "}, {"", "."}}) {
    for (std::size_t i = 0; i < options.size(); ++i) {
      add(i, text.rfind(before + option_letter(i) + after));
    }
  }
  if (!first) {
    for (auto const& [option, at] : options_in_words(text, options)) add(option, at);
  }
  return first ? option_letter(first->first) : std::string();
}

/// A letter A to D that is the answer, or that it begins with behind which is a period or bracket.
inline std::string tempcompass_letter(std::string_view answer) {
  static Regex const beginning(R"(^([A-D])(?:\z|[.)]))");
  auto const match = beginning.first(answer);
  return match ? std::string((*match)[1]) : std::string();
}

/// The first letter that stands alone, in any case; else the answer's first letter, be it that of a
/// word; else the one option whose words stand in it. The first two count if they are an option's.
inline std::string tvbench_letter(std::string_view answer,
                                  std::vector<std::string> const& options) {
  static Regex const alone(R"(\b([A-Za-z])\b)"), leading(R"(^\s*[(\[]?([A-Za-z]))");
  std::size_t const count = std::max<std::size_t>(options.size(), 2);
  for (Regex const* rule : {&alone, &leading}) {
    auto const match = rule->first(answer);
    if (!match) continue;
    auto const letter = as_capital((*match)[1]);
    if (static_cast<std::size_t>(letter[0] - 'A') < count) return letter;
  }
  std::string const words = lower_words(answer);
  std::string named;
  for (std::size_t i = 0; i < options.size(); ++i) {
    auto const option = lower_words(options[i]);
    if (option.empty() || words.find(option) == std::string::npos) continue;
    if (!named.empty()) return {};
    named = option_letter(i);
  }
  return named;
}

/// The text behind what was thought, without some phrases, in any case: a letter A to F that stands
/// alone, else one before a mark, else the first, be it inside a word.
inline std::string motionbench_letter(std::string_view answer) {
  constexpr std::string_view thought = "</think>";
  if (auto const at = answer.rfind(thought); at != std::string_view::npos) {
    answer.remove_prefix(at + thought.size());
  }
  std::string text = lowered(stripped(answer));
  for (std::string_view const phrase : {"the best answer is", "the correct answer is",
                                        "the answer is", "best answer:", "answer:"}) {
    text = replaced(text, phrase, "");
  }
  static Regex const alone(R"(\b([a-f])\b)"), marked(R"(([a-f])[.):])"), any(R"(([a-f]))");
  for (Regex const* rule : {&alone, &marked, &any}) {
    if (auto const match = rule->first(text)) return as_capital((*match)[1]);
  }
  return {};
}

/// The first capital A to H that is left without some phrases, be it inside a word.
inline std::string videomme_v2_letter(std::string_view answer) {
  std::string text(stripped(answer));
  for (std::string_view const phrase :
       {"The best answer is", "The correct answer is", "The answer is", "The answer",
        "The best option is", "The correct option is",
        "Final Answer:", "Best answer:", "Best option:", "Answer:", "Option:"}) {
    text = replaced(text, phrase, "");
  }
  auto const at = text.find_first_of("ABCDEFGH");
  return at == std::string::npos ? std::string() : std::string(1, text[at]);
}

}  // namespace detail

/// \param options as the row has them, with their own letters if it has those
/// \return "A", "B", …; empty where nothing is found
inline std::string letter_by(LetterRule rule, std::string_view answer,
                             std::vector<std::string> const& options) {
  switch (rule) {
    case LetterRule::egoschema:
      return detail::egoschema_letter(answer, options);
    case LetterRule::motionbench:
      return detail::motionbench_letter(answer);
    case LetterRule::nextqa:
      return detail::nextqa_letter(answer, options);
    case LetterRule::tempcompass:
      return detail::tempcompass_letter(answer);
    case LetterRule::tvbench:
      return detail::tvbench_letter(answer, options);
    case LetterRule::videomme_v2:
      return detail::videomme_v2_letter(answer);
  }
  return {};
}

}  // namespace vcflash::eval
