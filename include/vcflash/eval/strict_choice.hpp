#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/eval/text_rules.hpp>

namespace vcflash::eval {

/// Which option an answer names, by the rule that the benchmarks' authors meant and all share here
/// (`Scoring::strict`). In this order:
/// the answer is a letter, in any case, but for marks around it; it begins with a letter and a mark
/// (`B.`, `B)`, `B:`); it has a letter in brackets; a capital stands alone that is not the article
/// "A" before a word; the words of exactly one option stand in it.
/// \return "A", "B", …; empty if none of these holds
inline std::string strict_choice(std::string_view answer, std::vector<std::string> const& options) {
  char const last = static_cast<char>('A' + static_cast<char>(options.size()) - 1);
  if (options.empty()) return {};
  auto const upper = [](std::string_view letter) {
    return std::string(1, static_cast<char>(letter.front() & ~0x20));
  };
  auto const an_option = [&](std::string_view letter) { return upper(letter).front() <= last; };

  static Regex const alone(R"(^[\s"'`*(\[.:]*([A-Za-z])[\s"'`*)\].:,!]*\z)");
  if (auto const match = alone.first(answer)) {
    return an_option((*match)[1]) ? upper((*match)[1]) : std::string();
  }
  static Regex const leading(R"(^[\s"'`*(\[]*([A-Z])[)\].:,])");
  static Regex const bracketed(R"([(\[]([A-Z])[)\]])");
  for (Regex const* rule : {&leading, &bracketed}) {
    auto const match = rule->first(answer);
    if (match && an_option((*match)[1])) return upper((*match)[1]);
  }
  static Regex const capital(R"(\b(?!A\s+(?!is\b|because\b)\p{L})([A-Z])\b(?!['’]))");
  for (auto const& match : capital.all(answer)) {
    if (an_option(match[1])) return upper(match[1]);
  }
  std::string const lower = lowered(answer);
  std::optional<std::size_t> named;
  for (std::size_t i = 0; i < options.size(); ++i) {
    std::string const option = lowered(stripped(options[i]));
    if (option.empty() || lower.find(option) == std::string::npos) continue;
    if (named) return {};
    named = i;
  }
  return named ? std::string(1, static_cast<char>('A' + static_cast<char>(*named))) : std::string();
}

}  // namespace vcflash::eval
