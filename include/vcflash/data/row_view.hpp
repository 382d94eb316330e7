#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/row.hpp>
#include <vcflash/text/turns.hpp>

namespace vcflash::data {

/// A row whose strings stand in its file, its parser or itself.
struct RowView {
  std::string_view id, read_type;
  Modality modality = Modality::text;
  std::vector<std::string_view> media;
  std::optional<double> start, end;
  std::vector<text::TurnFields> turns;
  std::string problem;
  std::deque<std::string> made;  ///< texts that stand in the file in another form

  void clear() {
    id = read_type = {};
    modality = Modality::text;
    media.clear();
    start = end = std::nullopt;
    turns.clear();
    problem.clear();
    made.clear();
  }

  /// Notes what is wrong with the row; the first thing counts.
  template <class... Parts>
  void blame(fmt::format_string<Parts...> sentence, Parts&&... parts) {
    if (problem.empty()) problem = fmt::format(sentence, std::forward<Parts>(parts)...);
  }

  /// The words of all turns. Of a good row only.
  std::int64_t words() const {
    std::int64_t words = 0;
    text::for_each_turn(turns, [&](text::TurnView const& turn) { words += words_of(turn.value); });
    return words;
  }

  Row row(std::int64_t number) const {
    Row row;
    row.number = number;
    row.id = id;
    row.modality = modality;
    row.media.assign(media.begin(), media.end());
    row.read_type = read_type;
    row.start = start;
    row.end = end;
    row.problem = problem;
    if (problem.empty()) row.turns = text::read_turns(turns);
    return row;
  }
};

}  // namespace vcflash::data
