#pragma once

#include <vcflash/eval/rows.hpp>
#include <vcflash/eval/scores.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace recipes::benchmarks {

/// Rows with a `video`, a `question` and an `answer`, which must be said word for word.
struct my_benchmark : vcflash::eval::RowBenchmark<my_benchmark> {
  static constexpr std::string_view name = "my_benchmark";
  static constexpr std::int64_t max_new_tokens = 8;

  using Row = vcflash::eval::Row;
  static std::vector<vcflash::eval::Task> tasks() {
    return {{.name = std::string(name), .file = "my_rows"}};
  }
  std::string prompt(Row const& row) const { return vcflash::eval::text_of(row, "question"); }
  vcflash::eval::MediumRequest medium(Row const& row) const {
    return {.video = row.media / vcflash::eval::text_of(row, "video")};
  }
  std::string parse(Row const&, std::string const& text) const { return text; }
  double score(Row const& row, std::string const& parsed) const {
    return parsed == vcflash::eval::text_of(row, "answer") ? 1 : 0;
  }
  vcflash::eval::Scores aggregate(std::vector<Row> const& rows,
                                  std::vector<vcflash::eval::Answer> const& answers) const {
    return {.value = vcflash::eval::mean_score(answers), .questions = std::ssize(rows)};
  }
};

}  // namespace recipes::benchmarks
