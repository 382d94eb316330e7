#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include <vcflash/app/needle_results.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/eval/scores.hpp>
#include <vcflash/eval/sha256.hpp>
#include <vcflash/media/encode.hpp>

namespace vcflash::app {

VCFLASH_INLINE std::string needles_fingerprint(std::vector<eval::needle::Row> const& rows,
                                               std::vector<eval::needle::Case> const& cases) {
  std::string all;
  for (auto const& row : rows) {
    for (auto const& image : row.images) all += image.string() + '\n';
    for (auto const& [question, answer] : row.asked) all += question + '\n' + answer + '\n';
  }
  for (auto const& asked : cases) all += asked.id + '\n';
  return eval::sha256(all).substr(0, 16);
}

VCFLASH_INLINE HeatMap needle_map(eval::needle::Hops hops, nlohmann::ordered_json const& accuracies,
                                  std::string const& title) {
  bool const single = hops == eval::needle::Hops::single;
  HeatMap map{title, "Num. of frames", single ? "Depth percent" : "Score", {}, {}, {}};
  auto const place_of = [](std::vector<std::string>& names, std::string const& name) {
    auto const found = std::ranges::find(names, name);
    if (found == names.end()) {
      names.push_back(name);
      return names.size() - 1;
    }
    return static_cast<std::size_t>(found - names.begin());
  };
  // Depths that are reported alike are one row of their mean, as in upstream's table.
  std::vector<std::vector<std::pair<double, int>>> sums;
  auto const add = [&](std::string const& row, std::int64_t frames, double score) {
    auto const column =
        place_of(map.columns, frames >= 1000 ? fmt::format("{:.1f}K", double(frames) / 1000)
                                             : fmt::format("{}", frames));
    auto const r = place_of(map.rows, row);
    sums.resize(std::max(sums.size(), r + 1));
    sums[r].resize(std::max(sums[r].size(), column + 1));
    sums[r][column].first += score;
    ++sums[r][column].second;
  };
  for (auto const& cell : accuracies) {
    auto const frames = cell.at("Num. Frame").get<std::int64_t>();
    if (single) {
      add(fmt::format("{:.0f}", cell.at("Frame Depth").get<double>()), frames, cell.at("Score"));
    } else {
      add("Both", frames, cell.at("Score"));
      add("Caption", frames, cell.at("Caption Score"));
      add("Detail", frames, cell.at("QA Score"));
    }
  }
  for (auto& row : sums) {
    row.resize(map.columns.size());
    auto& values = map.values.emplace_back();
    for (auto const& [sum, count] : row) {
      values.push_back(count > 0 ? std::optional(sum / count) : std::nullopt);
    }
  }
  return map;
}

VCFLASH_INLINE double write_needle_results(std::filesystem::path const& out,
                                           eval::needle::Hops hops,
                                           std::vector<eval::needle::Row> const& rows,
                                           std::vector<eval::needle::Case> const& cases,
                                           std::vector<eval::Said> const& said,
                                           eval::Scoring scoring,
                                           nlohmann::ordered_json const& about) {
  auto const dumped = [](nlohmann::ordered_json const& json, int indent) {
    return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  std::string lines;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    auto const& asked = cases[i];
    nlohmann::ordered_json line{{"id", asked.id}, {"frames", asked.frames}};
    if (hops == eval::needle::Hops::single) line["depth"] = asked.depth;
    line["question"] = rows[asked.row].asked[asked.asked].first;
    line["right"] = asked.answer;
    line["answer"] = said[i].text;
    line["score"] = eval::needle::is_right(asked, said[i], scoring) ? 1.0 : 0.0;
    lines += dumped(line, -1) + '\n';
  }
  auto const scores = [&](eval::Scoring by) -> nlohmann::ordered_json {
    auto cells = eval::needle::accuracies(hops, cases, said, by);
    eval::ScoreTally frames, depths;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      eval::Answer const answer{.score = eval::needle::is_right(cases[i], said[i], by) ? 1.0 : 0.0,
                                .problem = said[i].problem};
      frames.add(fmt::format("{}", cases[i].frames), answer);
      depths.add(fmt::format("{:.6g}", cases[i].depth), answer);
    }
    eval::Scores scores{.value = eval::needle::average_score(cells),
                        .questions = std::ssize(cases),
                        .groups = {frames.group("by_frames")}};
    if (hops == eval::needle::Hops::single) scores.groups.push_back(depths.group("by_depth"));
    auto json = to_json(scores);
    json["cells"] = std::move(cells);
    return json;
  };
  auto const accuracies = eval::needle::accuracies(hops, cases, said, scoring);
  double const average = eval::needle::average_score(accuracies);
  auto const map = needle_map(hops, accuracies,
                              fmt::format("{}: {}, average {:.1f}%", eval::needle::name_of(hops),
                                          about.at("model").get<std::string>(), 100 * average));
  nlohmann::ordered_json results = about;
  results["benchmark"] = std::string(eval::needle::name_of(hops));
  results["asked"] = cases.size();
  results["scoring"] = std::string(name_of(scoring));
  results["scores"] = scores(scoring);
  auto const other =
      scoring == eval::Scoring::upstream ? eval::Scoring::strict : eval::Scoring::upstream;
  results[fmt::format("scores_{}", name_of(other))] = scores(other);

  using checkpoint::write_file;
  auto const png = media::encode_png(heatmap_picture(map));
  write_file(out / "answers.jsonl", lines);
  write_file(out / "all_accuracies.json", dumped(accuracies, 4));
  write_file(out / "avg_accuracy.txt",
             fmt::format("Average Accuracy: {}\n", nlohmann::json(average).dump()));
  write_file(out / "heatmap.svg", heatmap_svg(map));
  write_file(out / "heatmap.png",
             std::string_view(reinterpret_cast<char const*>(png.data()), png.size()));
  write_file(out / "results.json", dumped(results, 2) + '\n');
  return average;
}

}  // namespace vcflash::app
