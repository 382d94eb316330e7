#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/eval/scores.hpp>

/// The scores of any benchmark, as a report shows them.
namespace vcflash::app {

/// One bar.
struct ScoreLine {
  std::string name;
  double share = 0;  ///< 0 to 1
  std::optional<std::int64_t> questions{};
};

/// Bars that belong together.
struct ScoreGroup {
  std::string title;
  std::vector<ScoreLine> lines;
};

namespace detail {

/// Cuts off what all names begin with, up to an underscore: a benchmark's tasks begin with its
/// name.
inline void cut_common_beginning(std::vector<ScoreLine>& lines) {
  if (lines.size() < 2) return;
  std::string const& first = lines.front().name;
  std::size_t common = first.size();
  for (auto const& line : lines) {
    auto const end = std::ranges::mismatch(first, line.name).in1 - first.begin();
    common = std::min(common, static_cast<std::size_t>(end));
  }
  common = first.rfind('_', common == 0 ? 0 : common - 1) + 1;  // npos + 1 is 0
  for (auto& line : lines) line.name.erase(0, common);
}

/// "by_sub_category": "By sub category".
inline std::string as_title(std::string name) {
  std::ranges::replace(name, '_', ' ');
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = char(name[0] - 'a' + 'A');
  return name;
}

inline bool is_number(std::string const& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace detail

/// A group's lines as bars; what nothing was asked of has none.
inline ScoreGroup bars_of(eval::ScoreGroup const& group, double whole) {
  ScoreGroup bars{detail::as_title(group.key), {}};
  for (auto const& line : group.lines) {
    if (line.questions > 0) {
      bars.lines.push_back({line.name, line.value / whole, line.questions});
    }
  }
  if (group.key == "by_task") detail::cut_common_beginning(bars.lines);
  if (group.key == "by_duration") {
    // short to long, whether they are named or numbered
    std::ranges::stable_sort(bars.lines, {}, [](ScoreLine const& line) {
      constexpr std::string_view names[] = {"short", "medium", "long"};
      auto const named = std::ranges::find(names, line.name) - std::begin(names);
      return named < std::ssize(names) ? static_cast<std::int64_t>(named)
                                       : std::atoll(line.name.c_str());
    });
    for (auto& line : bars.lines) {
      if (detail::is_number(line.name)) line.name += " s";
    }
  }
  return bars;
}

/// A benchmark's groups, durations first; none if it gives one number only.
inline std::vector<ScoreGroup> score_groups(eval::Scores const& scores) {
  std::vector<ScoreGroup> groups;
  for (auto const& group : scores.groups) {
    auto bars = bars_of(group, scores.whole);
    if (bars.lines.empty()) continue;
    auto const place = group.key == "by_duration" ? groups.begin() : groups.end();
    groups.insert(place, std::move(bars));
  }
  return groups;
}

}  // namespace vcflash::app
