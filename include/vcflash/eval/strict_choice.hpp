#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/eval/text_rules.hpp>

namespace vcflash::eval {

namespace detail {

/// A letter or digit that makes one word with a Latin letter beside it. Chinese, Japanese, Korean
/// and the like are written without spaces: in `选B吧` a letter stands alone.
inline std::string const in_word = R"([\p{Latin}\p{Greek}\p{Cyrillic}\p{N}_])";
/// Where a word begins, and where it ends: parts of patterns.
inline std::string const word_begins = "(?<!" + in_word + ")(?<!" + in_word + "-)";
inline std::string const word_ends = "(?!" + in_word + ")(?!-" + in_word + ")";

inline std::string option_letter(std::size_t option) {
  return std::string(1, static_cast<char>('A' + static_cast<char>(option)));
}

/// A text by its words: small letters, one space between words, no marks or quotes around it.
inline std::string bare_words(std::string_view text) {
  static Regex const space(R"(\s+)");
  std::string words;
  std::size_t from = 0;
  for (auto const& match : space.all(text)) {
    auto const at = static_cast<std::size_t>(match[0].data() - text.data());
    words.append(text.substr(from, at - from)).append(" ");
    from = at + match[0].size();
  }
  words.append(text.substr(from));
  constexpr auto marks = " \"'`*.,;:!?";
  auto const begin = std::min(words.find_first_not_of(marks), words.size());
  auto const end = std::max(begin, words.find_last_not_of(marks) + 1);
  return lowered(std::string_view(words).substr(begin, end - begin));
}

/// The options without the letters of their places, if all have theirs: "(A) Two" or "A. Two".
inline std::vector<std::string> without_letters(std::vector<std::string> options) {
  static Regex const label(R"(^\s*\(?([A-Z])[).:]\s*)");
  std::vector<std::size_t> bytes;
  for (std::size_t i = 0; i < options.size(); ++i) {
    auto const match = label.first(options[i]);
    if (!match || (*match)[1] != option_letter(i)) return options;
    bytes.push_back((*match)[0].size());
  }
  for (std::size_t i = 0; i < options.size(); ++i) options[i].erase(0, bytes[i]);
  return options;
}

/// The letter that an answer names by writing it as one.
/// \param options how many there are  \return empty if there is none
inline std::string written_letter(std::string_view answer, std::size_t options) {
  auto const letter = [&](std::string_view written) -> std::string {
    auto const place = static_cast<std::size_t>((written.front() & ~0x20) - 'A');
    return place < options ? option_letter(place) : std::string();
  };
  // "A" or "I" before another word than these is a word itself.
  static std::string const is_word =
      R"((?:[AI]\s+(?!(?:is|because|since|as|and|or|but|not|for|shows|matches|fits)\b)\p{Latin}))";
  static std::string const ends = word_ends + R"((?!['’]\p{L}))";
  static Regex const rules[] = {
      // begins with a letter and a mark, but for "e.g." and the like
      Regex(R"(^[\s"'`*(\[]*(?|([A-Za-z])[)\].:](?!\p{L}\.)|([A-Z]),))"),
      // says that it is the answer
      Regex(R"((?i:\b(?:answer|option|choice)(?:\s+(?:is|was|(?:would|should|must)\s+be))?))"
            R"((?|\s+["'`*(\[]*([A-Z])|\s*:\s*["'`*(\[]*(?!)" +
            is_word + R"()([A-Z])|(?:\s+|\s*:\s*)["'`*(\[]*)" +
            R"((?|([a-z])(?=["'`*)\].])|([b-z])(?!\s+\p{L}))))" + ends),
      // has it in brackets
      Regex(R"([(\[{【]([A-Z])[)\]}】])"),
      Regex("(?<!" + in_word + R"()[(\[{【]([a-z])[)\]}】])"),
      // a capital stands alone, and is neither the article nor the pronoun
      Regex(word_begins + "(?!" + is_word + ")([A-Z])" + ends),
  };
  for (auto const& rule : rules) {
    for (auto const& match : rule.all(answer)) {
      if (auto named = letter(match[1]); !named.empty()) return named;
    }
  }
  return {};
}

/// The option whose words stand in an answer, where no other's do beside them. Longer options are
/// looked for first, and shorter ones only in what they leave.
/// \param answer, options by their words  \return empty if there is none, or several
inline std::string option_in_words(std::string answer, std::vector<std::string> const& options) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (!options[i].empty()) order.push_back(i);
  }
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](std::size_t i) { return options[i].size(); });
  std::string named;
  for (std::size_t const i : order) {
    Regex const words("(?:(?=" + in_word + ")" + word_begins + R"((?<!\d[.,:])|(?!)" + in_word +
                      R"())\Q)" + options[i] + R"(\E(?:(?<=)" + in_word + ")" + word_ends +
                      R"((?![.,:]\d)|(?<!)" + in_word + "))");
    bool found = false;
    while (auto const match = words.first(answer)) {
      auto const at = static_cast<std::size_t>((*match)[0].data() - answer.data());
      answer.replace(at, (*match)[0].size(), "\n");  // which no option holds
      found = true;
    }
    if (!found) continue;
    if (!named.empty()) return {};
    named = option_letter(i);
  }
  return named;
}

}  // namespace detail

/// Which option an answer names, by the rule that the benchmarks' authors meant and all share here
/// (`Scoring::strict`). What a model thinks aloud is no part of its answer (`spoken`), and
/// full-width letters are letters. The first of these that holds:
///  1. it is the text of an option, letter by letter;
///  2. it is an option's letter, or an option's text, in any case, but for marks around it;
///  3. it begins with a letter and a mark: `B.`, `b)`, `B:`;
///  4. it says "answer", "option" or "choice" and then a letter: `The answer is B`;
///  5. a letter stands in brackets: `(b)`;
///  6. a capital stands alone, and is neither the article "A" nor the pronoun "I";
///  7. the words of one option stand in it; where they are a part of another's, the longer counts.
/// \param options with or without their letters before them
/// \return "A", "B", …; empty if none of these holds
inline std::string strict_choice(std::string_view answer, std::vector<std::string> options) {
  constexpr std::size_t most = 26;
  if (options.size() > most) options.resize(most);
  std::string const said = spoken(answer);
  options = detail::without_letters(std::move(options));
  for (auto& option : options) option = folded(stripped(option));
  if (auto const same = std::ranges::find(options, said); !said.empty() && same != options.end()) {
    return detail::option_letter(static_cast<std::size_t>(same - options.begin()));
  }
  static Regex const alone(R"(^[\s"'`*(\[{【.:]*([A-Za-z])[\s"'`*)\]}】.。:,!]*\z)");
  auto const letter = alone.first(said);
  if (letter) {
    auto const place = static_cast<std::size_t>(((*letter)[1].front() & ~0x20) - 'A');
    if (place < options.size()) return detail::option_letter(place);
  }
  std::vector<std::string> words;
  for (auto const& option : options) words.push_back(detail::bare_words(option));
  auto const plain = detail::bare_words(said);
  auto const same = std::ranges::find(words, plain);
  if (!plain.empty() && same != words.end()) {
    return detail::option_letter(static_cast<std::size_t>(same - words.begin()));
  }
  if (letter) return {};
  auto named = detail::written_letter(said, words.size());
  return named.empty() ? detail::option_in_words(plain, words) : named;
}

}  // namespace vcflash::eval
