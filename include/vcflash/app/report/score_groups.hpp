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

#include <fmt/format.h>
#include <nlohmann/json.hpp>

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

/// The groups in which a benchmark's `aggregate` (eval/benchmark.hpp) gives its scores; none if it
/// gives one number only.
inline std::vector<ScoreGroup> score_groups(nlohmann::json const& scores) {
  std::vector<ScoreGroup> groups;
  auto const add = [&](std::string title, std::vector<ScoreLine> lines) {
    if (!lines.empty()) groups.push_back({std::move(title), std::move(lines)});
  };
  std::vector<ScoreLine> durations, categories, tasks, kinds, overlaps;
  for (auto const& [key, value] : scores.items()) {
    if (key == "tasks") {  // percent
      for (auto const& [name, task] : value.items()) {
        tasks.push_back({name, task.at("value").get<double>() / 100, task.at("questions")});
      }
      detail::cut_common_beginning(tasks);
    } else if (key == "groups") {
      for (auto const& [name, group] : value.items()) {
        bool const seconds = detail::is_number(name);
        (seconds ? durations : categories)
            .push_back({seconds ? name + " s" : name, group.at("acc"), group.at("num")});
      }
    } else if (key == "accuracy") {
      for (auto const& [name, share] : value.items()) {
        kinds.push_back({name, share, scores.at("questions").at(name).get<std::int64_t>()});
      }
    } else if (key.starts_with("IOU ")) {  // percent
      overlaps.push_back({"IoU at least " + key.substr(4), value.get<double>() / 100});
    } else if (key.starts_with("by_")) {
      std::vector<ScoreLine> lines;
      for (auto const& [name, group] : value.items()) {
        auto const answered = group.at("answered").get<std::int64_t>();
        if (answered == 0) continue;
        lines.push_back(
            {name, group.at("correct").get<double>() / static_cast<double>(answered), answered});
      }
      if (key == "by_duration") {
        durations = std::move(lines);
      } else {
        add(detail::as_title(key), std::move(lines));
      }
    }
  }
  // short to long, whether they are named or numbered
  auto const rank = [](ScoreLine const& line) {
    constexpr std::string_view names[] = {"short", "medium", "long"};
    auto const named = std::ranges::find(names, line.name) - std::begin(names);
    return named < std::ssize(names) ? static_cast<std::int64_t>(named)
                                     : std::atoll(line.name.c_str());
  };
  std::ranges::stable_sort(durations, {}, rank);
  std::vector<ScoreGroup> first;
  std::swap(first, groups);
  add("By duration", std::move(durations));
  add("By task", std::move(tasks));
  add("By question category", std::move(categories));
  std::stable_partition(kinds.begin(), kinds.end(),
                        [](ScoreLine const& line) { return line.name == "all"; });
  add("By kind", std::move(kinds));
  add("Recall", std::move(overlaps));
  std::ranges::move(first, std::back_inserter(groups));
  return groups;
}

}  // namespace vcflash::app
