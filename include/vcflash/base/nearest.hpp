#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

/// What somebody may have meant who misspelt a name.
namespace vcflash {

/// Letters to insert, remove or replace to get from one word to the other.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      std::size_t const replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The name that a word is nearest to, the first of several; empty if there are no names.
/// \param names strings, which outlive the result
template <class Names>
std::string_view nearest(std::string_view word, Names const& names) {
  std::string_view best;
  auto distance = std::numeric_limits<std::size_t>::max();
  for (std::string_view const name : names) {
    if (auto const d = edit_distance(word, name); d < distance) {
      distance = d;
      best = name;
    }
  }
  return best;
}

}  // namespace vcflash
