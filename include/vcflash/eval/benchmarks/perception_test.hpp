#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/eval/rows.hpp>
#include <vcflash/eval/scores.hpp>
#include <vcflash/eval/strict_choice.hpp>
#include <vcflash/eval/text_rules.hpp>

namespace vcflash::eval {

/// PerceptionTest (Patraucean et al. 2023), multiple choice of its validation set. The media folder
/// holds `videos`.
struct PerceptionTest : RowBenchmark<PerceptionTest> {
  static constexpr std::string_view name = "perceptiontest_val_mc";
  static constexpr std::int64_t max_new_tokens = 1024;  ///< upstream's default; the task sets none

  static std::vector<Task> tasks() {
    return {{.name = std::string(name),
             .dataset_path = "eval_data_jsons/PerceptionTest_Val",
             .dataset_name = "mc_question_val",
             .split = "validation",
             .file = "mc_question_val",
             .metric = "accuracy",
             .generation = {{"do_sample", false},
                            {"max_new_tokens", max_new_tokens},
                            {"temperature", 0},
                            {"top_p", nullptr},
                            {"num_beams", 1}},
             .specific = {{"pre_prompt", ""}, {"post_prompt", ""}}}};
  }

  /// Every option after the second is labelled (C). A row may have no options.
  std::string prompt(Row const& row) const {
    std::string text = "\nQuestion: " + text_of(row, "question");
    if (!has(row, "options")) return text;
    char letter = 'A';
    for (auto const& option : texts_of(row, "options")) {
      text += fmt::format("\n({}). {}", letter, option);
      if (letter < 'C') ++letter;
    }
    return text + "\nOnly give the best option.";
  }

  MediumRequest medium(Row const& row) const {
    return {.video = row.media / "videos" / (text_of(row, "video_name") + ".mp4")};
  }
  nlohmann::json target(Row const& row) const { return row.doc.at("answer_id"); }
  std::string doubt(Row const& row) const {
    auto const id = right(row);
    if (id >= 0 && (!has(row, "options") || id < std::ssize(texts_of(row, "options")))) return {};
    return fmt::format("its answer_id {} is the number of no option.", id);
  }

  std::size_t options(Row const& row) const {
    return has(row, "options") ? texts_of(row, "options").size() : 0;
  }

  std::string parse(Row const& row, std::string const& text) const {
    if (scoring == Scoring::strict && has(row, "options")) {
      return strict_choice(text, texts_of(row, "options"));
    }
    static Regex const capital(R"(\b([A-D])\b)");
    auto const match = capital.first(text);
    return match ? std::string((*match)[1]) : std::string();
  }
  double score(Row const& row, std::string const& parsed) const {
    auto const id = right(row);
    return id >= 0 && chosen(parsed) == id ? 1 : 0;
  }

  /// Which option an answer's letter means; -1 if it has none.
  static std::int64_t chosen(std::string const& parsed) {
    return parsed.empty() ? -1 : parsed.front() - 'A';
  }

  /// Accuracy as a fraction.
  Scores aggregate(std::vector<Row> const& rows, std::vector<Answer> const& answers) const {
    return {.value = mean_score(answers), .questions = std::ssize(rows)};
  }

  nlohmann::ordered_json log(Row const& row, Answer const& answer) const {
    return {{task_of(row).metric,
             {{"video_name", text_of(row, "video_name")},
              {"question", text_of(row, "question")},
              {"pred_id", chosen(answer.parsed)},
              {"answer_id", row.doc.at("answer_id")},
              {"correct", static_cast<std::int64_t>(answer.score)}}}};
  }

 private:
  /// Which option is right, written as a number or as a text; below 0: it is not known.
  static std::int64_t right(Row const& row) {
    auto const& id = detail::field(
        row, "answer_id",
        [](nlohmann::ordered_json const& value) {
          static Regex const number(R"(^-?[0-9]{1,2}\z)");
          return value.is_number_integer() ||
                 (value.is_string() && number.first(value.get_ref<std::string const&>()));
        },
        "the number of an option");
    return id.is_string() ? std::stoll(id.get<std::string>()) : id.get<std::int64_t>();
  }
};

static_assert(Benchmark<PerceptionTest>);

}  // namespace vcflash::eval
