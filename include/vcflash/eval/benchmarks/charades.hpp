#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/eval/rows.hpp>
#include <vcflash/eval/scores.hpp>
#include <vcflash/eval/text_rules.hpp>
#include <vcflash/eval/time_spans.hpp>

namespace vcflash::eval {

/// Temporal grounding on Charades-STA (Gao et al. 2017): when does a sentence happen? An answer's
/// score is its intersection over union with the true span.
struct Charades : RowBenchmark<Charades> {
  static constexpr std::string_view name = "temporal_grounding_charades";
  static constexpr std::int64_t max_new_tokens = 50;

  static std::vector<Task> tasks() {
    return {
        {.name = std::string(name),
         .dataset_path = "eval_data_jsons/Temporal_Grounding",
         .dataset_name = "charades",
         .split = "train",
         .file = std::string(name),
         .metric = "submission",
         .generation = greedy_generation(max_new_tokens),
         .specific = {
             {"sub_task", "charades"}, {"pre_prompt", pre_prompt}, {"post_prompt", post_prompt}}}};
  }

  std::string prompt(Row const& row) const {
    return fmt::format("{}{}. {}", pre_prompt, text_of(row, "caption"), post_prompt);
  }
  MediumRequest medium(Row const& row) const {
    return {.video = row.media / "Charades" / text_of(row, "video")};
  }
  nlohmann::json target(Row const& row) const { return timestamp(row); }

  /// The span as `[start,end]`; empty where the answer names none. Upstream's script ends with an
  /// error on a number like "1..2"; here such an answer names none.
  std::string parse(Row const&, std::string const& text) const {
    try {
      auto const span = scoring == Scoring::upstream ? upstream_span(text) : strict_span(text);
      if (span) return nlohmann::json{span->start, span->end}.dump();
    } catch (InputError const&) {
    }
    return {};
  }
  double score(Row const& row, std::string const& parsed) const {
    return intersection_over_union(truth(row), used(row, parsed));
  }

  /// The span that is graded: where there is none upstream puts one after the true one.
  static TimeSpan used(Row const& row, std::string const& parsed) {
    if (parsed.empty()) return {truth(row).end + 10, truth(row).end + 20};
    auto const span = nlohmann::json::parse(parsed);
    return {span.at(0), span.at(1)};
  }

  /// What upstream's submission calls a question. Questions of one name count once: the last.
  static std::string submission_key(Row const& row) {
    auto const& span = timestamp(row);
    return fmt::format("{}>>>{}>>>[{}, {}]", text_of(row, "video"), text_of(row, "caption"),
                       span.at(0).dump(), span.at(1).dump());
  }

  /// Percent of questions whose overlap is at least a threshold, and the mean overlap in percent.
  Scores aggregate(std::vector<Row> const& rows, std::vector<Answer> const& answers) const {
    std::map<std::string, Answer> answer_of;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto key = submission_key(rows[i]);
      if (scoring == Scoring::strict) key += fmt::format("#{}", i);
      answer_of[key] = answers[i];
    }
    std::vector<Answer> all;
    for (auto const& [key, answer] : answer_of) all.push_back(answer);
    return {.value = 100 * mean_score(all),
            .whole = 100,
            .questions = std::ssize(all),
            .groups = {recall_of(all, 100)}};
  }

  nlohmann::ordered_json log(Row const& row, Answer const& answer) const {
    return {{task_of(row).metric, {{submission_key(row), answer.text}}}};
  }

 private:
  static constexpr auto pre_prompt =
      "Please find the visual event described by a sentence in the video, determining its starting "
      "and ending times. The format should be: 'The event happens in the start time - end time'. "
      "For example, The event 'person turn a light on' happens in the 24.3 - 30.4 seonds. Now I "
      "will give you the textual sentence: ";
  static constexpr auto post_prompt = "Please return its start time and end time.";

  static nlohmann::ordered_json const& timestamp(Row const& row) {
    auto const fits = [](nlohmann::ordered_json const& value) {
      return value.is_array() && value.size() == 2 && value[0].is_number() && value[1].is_number();
    };
    return detail::field(row, "timestamp", fits, "a list of two numbers, in seconds");
  }

  static TimeSpan truth(Row const& row) {
    auto const& span = timestamp(row);
    return {span.at(0).get<double>(), span.at(1).get<double>()};
  }
};

static_assert(Benchmark<Charades>);

}  // namespace vcflash::eval
