#pragma once

#include <vcflash/recipe/recipe.hpp>

#include <algorithm>
#include <string>
#include <vector>

/// What a model's checkpoint holds, without loading a weight.
namespace vcflash {

/// Every tensor of a released checkpoint, `key<TAB>dtype<TAB>shape as comma list`, one a line,
/// sorted by key. A table that is the output layer too stands under both of its keys, as upstream's
/// training stores it.
template <Model M>
std::string checkpoint_keys() {
  std::vector<std::string> lines;
  auto const add = [&](std::string const& key, auto const& shape) {
    std::string line = key + "\tBF16\t";
    for (std::size_t i = 0; i < shape.size(); ++i) {
      line += (i > 0 ? "," : "") + std::to_string(shape[i]);
    }
    lines.push_back(line + '\n');
  };
  for (auto const& [key, shape] : keys_of<typename M::Network>()) add(key, shape);
  if constexpr (M::Llm::facts.tied) {
    add("lm_head.weight", std::vector{M::Llm::vocabulary, M::Llm::hidden});
  }
  std::ranges::sort(lines);
  std::string text;
  for (auto const& line : lines) text += line;
  return text;
}

}  // namespace vcflash
