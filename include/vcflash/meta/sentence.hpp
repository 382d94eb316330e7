#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

/// Sentences written at compile time, so that a combination that cannot be built is refused in
/// words that name the parts and the numbers.
namespace vcflash {

/// The name of a component or a configuration, as a template argument.
struct Name {
  std::array<char, 48> text{};

  consteval Name() = default;
  template <std::size_t N>
  requires(N <= 48) consteval Name(char const (&literal)[N]) {
    for (std::size_t i = 0; i + 1 < N; ++i) text[i] = literal[i];
  }
  constexpr operator std::string_view() const { return text.data(); }
};

/// Text that grows at compile time by `<<`.
struct Sentence {
  std::array<char, 240> text{};
  std::size_t size = 0;

  constexpr Sentence operator<<(std::string_view part) const {
    Sentence longer = *this;
    for (char letter : part) longer.text[longer.size++] = letter;
    return longer;
  }
  constexpr Sentence operator<<(std::integral auto number) const {
    std::array<char, 24> digits{};
    std::size_t begin = digits.size();
    bool const negative = number < 0;
    do {
      auto const digit = number % 10;
      digits[--begin] = static_cast<char>('0' + (digit < 0 ? -digit : digit));
      number /= 10;
    } while (number != 0);
    if (negative) digits[--begin] = '-';
    return *this << std::string_view(digits.data() + begin, digits.size() - begin);
  }
};

namespace detail {

#ifdef __clang__
// clang prints an array argument as numbers; a pack of characters stays legible.
template <bool holds, char... sentence>
struct Rule {
  static_assert(holds, "these parts do not fit together: the sentence stands in Rule<...>");
};
template <bool holds, Sentence S>
using RuleFor = decltype([]<std::size_t... I>(std::index_sequence<I...>) {
  return Rule<holds, S.text[I]...>{};
}(std::make_index_sequence<S.size>{}));
#else
template <std::size_t N>
struct Exactly {
  char text[N + 1]{};
};
template <Sentence S>
consteval auto exactly() {
  Exactly<S.size> exact;
  for (std::size_t i = 0; i < S.size; ++i) exact.text[i] = S.text[i];
  return exact;
}
template <bool holds, Exactly sentence>
struct Rule {
  static_assert(holds, "these parts do not fit together: the sentence stands in Rule<...>");
};
template <bool holds, Sentence S>
using RuleFor = Rule<holds, exactly<S>()>;
#endif

}  // namespace detail

/// Refuses to compile with `sentence` in the message unless `holds`.
/// Use: `static_assert(require<holds, Sentence{} << …>);`
template <bool holds, Sentence sentence>
inline constexpr bool require = [] {
  if constexpr (!holds) {
    return sizeof(detail::RuleFor<holds, sentence>) > 0;
  } else {
    return true;
  }
}();

}  // namespace vcflash
