#pragma once

#include <fmt/format.h>

#include <map>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/needle_exam.hpp>
#include <vcflash/eval/rows.hpp>

namespace vcflash::eval::needle {

VCFLASH_INLINE std::vector<std::int64_t> Grid::frames() const {
  if (min_frames < 1 || frame_interval < 1 || max_frames < min_frames) {
    throw InputError(fmt::format("from {} to {} frames in steps of {} there is no haystack.",
                                 min_frames, max_frames, frame_interval));
  }
  std::vector<std::int64_t> all;
  for (auto f = min_frames; f <= max_frames; f += frame_interval) all.push_back(f);
  return all;
}

VCFLASH_INLINE std::vector<Row> load_rows(Hops hops, std::filesystem::path const& folder,
                                          std::filesystem::path const& media) {
  bool const single = hops == Hops::single;
  auto const* const file = single ? "niah-coco-singlehop_20.json" : "niah-coco-multihop-100.json";
  auto path = folder / "json" / file;
  if (!std::filesystem::exists(path)) path = folder / file;
  if (!std::filesystem::exists(path)) {
    throw InputError(
        fmt::format("{0}: there is neither json/{1} nor {1} here, the questions of {2}.",
                    folder.string(), file, name_of(hops)));
  }
  std::vector<Row> rows;
  for (auto& doc : eval::detail::read_rows(path)) {
    eval::Row const fields{.doc = std::move(doc)};
    auto const text = [&](char const* key) { return text_of(fields, key); };
    try {
      Row row;
      if (single) {
        row = {{media / text("image")}, {{text("question"), text("answer")}}};
      } else {
        for (auto const& image : texts_of(fields, "images")) row.images.push_back(media / image);
        row.asked = {{text("question1"), text("answer1")}, {text("question2"), text("answer2")}};
        segments(1, std::ssize(row.images));
      }
      rows.push_back(std::move(row));
    } catch (InputError const& error) {
      throw InputError(fmt::format("{}: row {}: {}", path.string(), rows.size(), error.what()));
    }
  }
  if (rows.empty()) throw InputError(fmt::format("{}: holds no questions.", path.string()));
  return rows;
}

VCFLASH_INLINE std::vector<Case> cases_of(Hops hops, std::vector<Row> const& rows, Grid const& grid,
                                          text::Tokenizer const& tokenizer) {
  std::vector<Case> cases;
  auto const add = [&](Case asked, std::size_t row, std::size_t which) {
    asked.row = row;
    asked.asked = which;
    asked.answer = rows[row].asked[which].second;
    asked.answer_ids = tokenizer.encode(asked.answer);
    if (asked.answer_ids.empty()) {
      throw InputError(fmt::format("row {}: the answer \"{}\" has no tokens.", row, asked.answer));
    }
    cases.push_back(std::move(asked));
  };
  std::size_t group = 0;
  for (auto const frames : grid.frames()) {
    if (hops == Hops::multi) {
      for (std::size_t row = 0; row < rows.size(); ++row, ++group) {
        for (std::size_t which = 0; which < rows[row].asked.size(); ++which) {
          add({.id = fmt::format("{}/{}/{}", frames, row, which == 0 ? "caption" : "detail"),
               .frames = frames,
               .group = group,
               .layout = multi_hop(tokenizer, rows[row].asked[which].first, frames,
                                   std::ssize(rows[row].images))},
              row, which);
        }
      }
      continue;
    }
    for (double const depth : depths(grid.depth_interval)) {
      for (std::size_t row = 0; row < rows.size(); ++row) {
        add({.id = fmt::format("{}/{:.6g}/{}", frames, depth, row),
             .frames = frames,
             .depth = depth,
             .group = group,
             .layout =
                 single_hop(tokenizer, rows[row].asked[0].first, depth, frames, grid.max_frames)},
            row, 0);
      }
      ++group;
    }
  }
  return cases;
}

VCFLASH_INLINE bool is_right(Case const& asked, Said const& said, Scoring scoring) {
  return said.problem.empty() && matches(said.text, asked.answer, scoring);
}

VCFLASH_INLINE nlohmann::ordered_json accuracies(Hops hops, std::vector<Case> const& cases,
                                                 std::vector<Said> const& said, Scoring scoring) {
  auto results = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < cases.size();) {
    Case const& first = cases[i];
    std::vector<bool> right[2];
    for (; i < cases.size() && cases[i].frames == first.frames && cases[i].depth == first.depth;
         ++i) {
      right[cases[i].asked].push_back(is_right(cases[i], said[i], scoring));
    }
    results.push_back(hops == Hops::single ? single_hop_result(first.frames, first.depth, right[0])
                                           : multi_hop_result(first.frames, right[0], right[1]));
  }
  return results;
}

}  // namespace vcflash::eval::needle
