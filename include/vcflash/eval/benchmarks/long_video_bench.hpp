#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/eval/python_random.hpp>
#include <vcflash/eval/rows.hpp>
#include <vcflash/eval/scores.hpp>
#include <vcflash/eval/strict_choice.hpp>
#include <vcflash/eval/subtitles.hpp>
#include <vcflash/eval/text_rules.hpp>

namespace vcflash::eval {

namespace long_video_bench {

/// What stands in the place of an option that a row has not.
inline constexpr std::string_view no_option = "N/A";

/// The fields of a row's options: its `candidates`, as upstream's lvb_val.json lists them, or
/// `option0` to `option4`, as the table beside it does.
inline std::vector<std::string> option_fields(Row const& row) {
  if (!has(row, "option0")) return texts_of(row, "candidates");
  std::vector<std::string> fields;
  for (int i = 0; i < 5; ++i) {
    auto const key = fmt::format("option{}", i);
    fields.push_back(has(row, key) ? text_of(row, key) : std::string(no_option));
  }
  return fields;
}

/// The options of a row up to the first that is "N/A".
inline std::vector<std::string> options(Row const& row) {
  auto fields = option_fields(row);
  fields.erase(std::ranges::find(fields, no_option), fields.end());
  return fields;
}

/// Upstream's (MMMU's) reading of an answer: `(A)`; else `A ` even at the end of a word; else `A.`;
/// else, of more than five words, an option's text. Of several the one that comes last; where none
/// of several letters stands alone, the first.
/// \return a letter; empty if nothing is found
inline std::string choice(std::string_view answer, std::vector<std::string> const& options) {
  for (char const mark : {',', '.', '!', '?', ';', ':', '\''}) answer = stripped(answer, mark);
  std::string const text = fmt::format(" {} ", answer);
  std::string const lower = lowered(text);

  std::vector<std::size_t> candidates;
  std::vector<std::int64_t> places;
  auto const look = [&](std::string const& in, auto&& found, auto&& placed) {
    for (std::size_t i = 0; i < options.size(); ++i) {
      if (in.find(found(i)) == std::string::npos) continue;
      candidates.push_back(i);
      auto const place = in.rfind(placed(i));
      places.push_back(place == std::string::npos ? -1 : static_cast<std::int64_t>(place));
    }
    return !candidates.empty();
  };
  auto const letter = [](std::string_view pattern) {
    return [pattern](std::size_t i) {
      return replaced(pattern, "X", std::string(1, static_cast<char>('A' + i)));
    };
  };
  auto const option = [&](std::size_t i) { return lowered(options[i]); };
  bool const found = look(text, letter("(X)"), letter("(X)")) ||
                     look(text, letter("X "), letter(" X ")) ||
                     look(text, letter("X."), letter(" X ")) ||
                     (word_count(text) > 5 && look(lower, option, option));
  if (!found) return {};
  auto const last = std::ranges::max_element(places) - places.begin();
  return std::string(1, static_cast<char>('A' + candidates[static_cast<std::size_t>(last)]));
}

/// Python's `round(value, 5)`.
inline double round5(double value) {
  auto const digits = fmt::format("{:.5f}", value);
  double rounded = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), rounded);
  return rounded;
}

}  // namespace long_video_bench

/// LongVideoBench (Wu et al. 2024), its validation set asked about videos with their subtitles. The
/// media folder holds `videos` and `subtitles`.
struct LongVideoBench : RowBenchmark<LongVideoBench> {
  static constexpr std::string_view name = "longvideobench_val_v";
  static constexpr std::int64_t max_new_tokens = 32;
  static constexpr std::int64_t subtitle_frames = 512;

  static std::vector<Task> tasks() {
    return {{.name = std::string(name),
             .dataset_path = "eval_data_jsons/LongVideoBench",
             .dataset_name = "",
             .split = "validation",
             .file = "lvb_val",
             .metric = "lvb_acc",
             .generation = {{"max_new_tokens", max_new_tokens},
                            {"temperature", 0.0},
                            {"do_sample", false},
                            {"top_p", nullptr},
                            {"num_beams", 1}},
             .specific = {{"pre_prompt", ""},
                          {"post_prompt", post_prompt},
                          {"insert_interleave_subtitles", true}}}};
  }

  std::string prompt(Row const& row) const {
    auto options = long_video_bench::option_fields(row);
    std::erase(options, long_video_bench::no_option);
    std::string choices = lettered(options, "(", "). ");
    return fmt::format(
        " This video's subtitles are listed below: \n{}.\n Select the best answer to the following "
        "multiple-choice question based on the video and the subtitles. Respond with only the "
        "letter of the correct option.\nQuestion: {}\n{}{}",
        joined(subtitles(row), "\n"), text_of(row, "question"), choices.empty() ? "\n" : choices,
        post_prompt);
  }

  MediumRequest medium(Row const& row) const {
    return {.video = row.media / "videos" / text_of(row, "video_path")};
  }
  nlohmann::json target(Row const& row) const { return integer_of(row, "correct_choice"); }
  std::string doubt(Row const& row) const {
    auto const right = integer_of(row, "correct_choice");
    auto const options = std::ssize(long_video_bench::options(row));
    if (right >= 0 && right < options) return {};
    return fmt::format("its correct_choice {} is none of its {} options, so nothing is right.",
                       right, options);
  }

  std::size_t options(Row const& row) const { return long_video_bench::options(row).size(); }

  std::string parse(Row const& row, std::string const& text) const {
    auto const options = long_video_bench::options(row);
    return scoring == Scoring::upstream ? long_video_bench::choice(text, options)
                                        : strict_choice(text, options);
  }
  double score(Row const& row, std::string const& parsed) const {
    return parsed == right(row) ? 1 : 0;
  }

  /// Where upstream finds no choice in an answer it draws one at random, question by question, by
  /// the generator that it seeded with 0 when it began.
  void settle(std::vector<Row> const& rows, std::vector<Answer>& answers) const {
    if (scoring == Scoring::strict) return;
    PythonRandom random(0);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!answers[i].parsed.empty() || !answers[i].problem.empty()) continue;
      auto const count = long_video_bench::options(rows[i]).size();
      if (count == 0) continue;
      auto const drawn = random.below(static_cast<std::uint32_t>(count));
      answers[i].parsed = std::string(1, static_cast<char>('A' + drawn));
      answers[i].score = score(rows[i], answers[i].parsed);
    }
  }

  /// Accuracy by duration and by category as fractions, rounded to five digits as upstream prints
  /// them. Its overall value is the mean over both kinds of groups, so every question counts twice.
  Scores aggregate(std::vector<Row> const& rows, std::vector<Answer> const& answers) const {
    ScoreTally durations, categories;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      durations.add(fmt::format("{}", integer_of(rows[i], "duration_group")), answers[i]);
      categories.add(text_of(rows[i], "question_category"), answers[i]);
    }
    Scores scores{
        .questions = std::ssize(rows),
        .groups = {durations.group("by_duration"), categories.group("by_question_category")}};
    double weighted = 0;
    for (auto& group : scores.groups) {
      for (auto& line : group.lines) {
        weighted += line.value * static_cast<double>(line.questions);
        line.value = long_video_bench::round5(line.value);
      }
    }
    if (!rows.empty()) {
      scores.value = long_video_bench::round5(weighted / static_cast<double>(2 * rows.size()));
    }
    return scores;
  }

  nlohmann::ordered_json log(Row const& row, Answer const& answer) const {
    return {{task_of(row).metric,
             {{"id", text_of(row, "video_id")},
              {"duration_group", integer_of(row, "duration_group")},
              {"question_category", text_of(row, "question_category")},
              {"answer", right(row)},
              {"parsed_pred", answer.parsed}}},
            {"submission", {{text_of(row, "video_id"), answer.text}}}};
  }

  /// The letter of the right option.
  static std::string right(Row const& row) {
    return std::string(1, static_cast<char>('A' + integer_of(row, "correct_choice")));
  }

 private:
  static constexpr auto post_prompt =
      "Answer with the option's letter from the given choices directly.\n";

  static std::vector<std::string> subtitles(Row const& row) {
    auto name = text_of(row, "subtitle_path");
    if (name.find("_en.json") == std::string::npos) name = replaced(name, ".json", "_en.json");
    double const duration = number_of(row, "duration");
    auto const path = row.media / "subtitles" / name;
    try {
      auto const& said = made_of_file(
          path, [](std::string const& text) { return nlohmann::ordered_json::parse(text); });
      return subtitles_on_frames(said, subtitle_frame_times(duration, subtitle_frames),
                                 number_of(row, "starting_timestamp_for_subtitles"), duration);
    } catch (nlohmann::json::exception const& error) {
      throw InputError(fmt::format("{}: no subtitles ({}).", path.string(), error.what()));
    }
  }
};

static_assert(Benchmark<LongVideoBench>);

}  // namespace vcflash::eval
