#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/eval/rows.hpp>
#include <vcflash/eval/scores.hpp>
#include <vcflash/eval/strict_choice.hpp>
#include <vcflash/eval/subtitles.hpp>
#include <vcflash/eval/text_rules.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::eval {

namespace video_mme {

/// What the benchmark's rows are sorted by, as its authors list it.
inline constexpr std::array<std::string_view, 3> durations{"short", "medium", "long"};
inline constexpr std::array<std::string_view, 6> domains{
    "Knowledge",   "Film & Television", "Sports Competition", "Artistic Performance",
    "Life Record", "Multilingual"};
inline constexpr std::array<std::string_view, 30> sub_categories{"Humanity & History",
                                                                 "Literature & Art",
                                                                 "Biology & Medicine",
                                                                 "Finance & Commerce",
                                                                 "Astronomy",
                                                                 "Geography",
                                                                 "Law",
                                                                 "Life Tip",
                                                                 "Technology",
                                                                 "Animation",
                                                                 "Movie & TV Show",
                                                                 "Documentary",
                                                                 "News Report",
                                                                 "Esports",
                                                                 "Basketball",
                                                                 "Football",
                                                                 "Athletics",
                                                                 "Other Sports",
                                                                 "Stage Play",
                                                                 "Magic Show",
                                                                 "Variety Show",
                                                                 "Acrobatics",
                                                                 "Handicraft",
                                                                 "Food",
                                                                 "Fashion",
                                                                 "Daily Life",
                                                                 "Travel",
                                                                 "Pet & Animal",
                                                                 "Exercise",
                                                                 "Multilingual"};
inline constexpr std::array<std::string_view, 12> task_types{
    "Temporal Perception", "Spatial Perception", "Attribute Perception", "Action Recognition",
    "Object Recognition",  "OCR Problems",       "Counting Problem",     "Temporal Reasoning",
    "Spatial Reasoning",   "Action Reasoning",   "Object Reasoning",     "Information Synopsis"};

/// The question, its options and what stands before and behind.
inline std::string question_text(Row const& row, std::string_view seen, std::string_view by,
                                 std::string_view behind) {
  auto const options = texts_of(row, "options");
  return fmt::format(
      "These are the {} of a video. Select the best answer to the following multiple-choice "
      "question based on {}. Respond with only the letter (A, B, C, or D) of the correct "
      "option.\nQuestion: {}\nOption:\n{}{}",
      seen, by, text_of(row, "question"), joined(options, "\n"), behind);
}

/// Upstream's letter of an answer: some phrases are cut out, then the first capital A to D counts
/// wherever it stands, be it inside a word.
inline std::string first_capital(std::string_view answer) {
  std::string text(stripped(answer));
  // Two commas are missing in upstream's list, which glues its last four phrases to two.
  for (std::string_view const phrase :
       {"The best answer is", "The correct answer is", "The answer is", "The answer",
        "The best option isThe correct option is", "Best answer:Best option:"}) {
    text = replaced(text, phrase, "");
  }
  auto const at = text.find_first_of("ABCD");
  return at == std::string::npos ? std::string() : std::string(1, text[at]);
}

}  // namespace video_mme

/// Video-MME (Fu et al. 2024): four options about videos of seconds to an hour, with or without
/// their subtitles in the prompt. The media folder holds `videos` and `subtitle`.
template <bool with_subtitles>
struct VideoMmeRows : RowBenchmark<VideoMmeRows<with_subtitles>> {
  static constexpr std::string_view name = with_subtitles ? "videomme_w_subtitle" : "videomme";
  static constexpr std::int64_t max_new_tokens = 16;

  static std::vector<Task> tasks() {
    nlohmann::ordered_json specific{{"pre_prompt", ""}, {"post_prompt", post_prompt}};
    if (with_subtitles) specific = {{"gemini_api_flag", "full subtitle"}};
    return {{.name = std::string(name),
             .dataset_path = "eval_data_jsons/Video-MME",
             .dataset_name = "",
             .split = "test",
             .file = "videomme",
             .metric = "videomme_percetion_score",
             .generation = greedy_generation(max_new_tokens),
             .specific = specific}};
  }

  /// \param behind what stands behind the options, of which upstream has a default
  std::string prompt(Row const& row, std::string_view behind = post_prompt) const {
    if constexpr (!with_subtitles) {
      return video_mme::question_text(row, "frames", "the video", behind);
    }
    constexpr auto end = "\nThe best answer is:";
    auto const file = subtitle_file(row);
    if (!std::filesystem::exists(file)) {
      return "\n" + video_mme::question_text(row, "frames", "the video", end);
    }
    std::string const& said =
        made_of_file(file, [](std::string const& text) { return joined(white_lines(text), "\n"); });
    return fmt::format("This video's subtitles are listed below: \n{}\n{}", said,
                       said.empty() ? video_mme::question_text(row, "frames", "the video", end)
                                    : video_mme::question_text(row, "frames and subtitles",
                                                               "the video and the subtitles", end));
  }

  MediumRequest medium(Row const& row) const {
    auto const stem = text_of(row, "videoID");
    auto const file = [&](char const* kind) { return row.media / "videos" / (stem + kind); };
    for (auto const* kind : {".MP4", ".mkv"}) {
      if (!std::filesystem::exists(file(".mp4")) && std::filesystem::exists(file(kind))) {
        return {.video = file(kind)};
      }
    }
    return {.video = file(".mp4")};
  }

  /// Upstream's own subtitles are in one font, and other text is none to it.
  std::vector<std::string> notes(std::vector<Row> const& rows) const {
    auto notes = RowBenchmark<VideoMmeRows>::notes(rows);
    if constexpr (with_subtitles) {
      std::map<std::filesystem::path, bool> videos;
      for (auto const& row : rows) {
        auto const [video, added] = videos.try_emplace(subtitle_file(row), false);
        if (!added || !std::filesystem::exists(video->first)) continue;
        video->second = !white_lines(read_text(video->first)).empty();
      }
      auto const count =
          std::ranges::count_if(videos, [](auto const& video) { return video.second; });
      if (count < std::ssize(videos)) {
        notes.push_back(fmt::format(
            "{}: subtitles for {} of {} videos; of {} the text in <font color=\"white\" "
            "size=\".72c\"> is read.",
            name, count, videos.size(), videos.begin()->first.parent_path().string() + "/*.srt"));
      }
    }
    return notes;
  }

  std::size_t options(Row const& row) const { return texts_of(row, "options").size(); }

  std::string parse(Row const& row, std::string const& text) const {
    if (this->scoring == Scoring::upstream) return video_mme::first_capital(text);
    return strict_choice(text, texts_of(row, "options"));
  }
  double score(Row const& row, std::string const& parsed) const {
    return text_of(row, "answer") == parsed ? 1 : 0;
  }
  std::string doubt(Row const& row) const {
    auto const right = text_of(row, "answer");
    auto const options = texts_of(row, "options").size();
    if (right.size() == 1 && right >= "A" && std::size_t(right.front() - 'A') < options) return {};
    return fmt::format(
        "its answer {} is the letter of none of its {} options, so nothing is right.",
        text::in_quotes(right), options);
  }

  /// Percent right. By upstream's rule a question is of every kind whose name is found anywhere in
  /// the names of its kinds.
  Scores aggregate(std::vector<Row> const& rows, std::vector<Answer> const& answers) const {
    Scores scores{.value = 100 * mean_score(answers), .whole = 100, .questions = std::ssize(rows)};
    auto const add = [&](char const* key, char const* field, auto const& names) {
      ScoreTally tally;
      for (std::string_view const kind : names) {
        tally.expect(kind);
        for (std::size_t i = 0; i < rows.size(); ++i) {
          if (is_of(rows[i], field, kind)) tally.add(kind, answers[i]);
        }
      }
      scores.groups.push_back(tally.group(key, 100));
    };
    add("by_duration", "duration", video_mme::durations);
    add("by_category", "domain", video_mme::domains);
    add("by_sub_category", "sub_category", video_mme::sub_categories);
    add("by_task", "task_type", video_mme::task_types);
    return scores;
  }

  nlohmann::ordered_json log(Row const& row, Answer const& answer) const {
    return {{this->task_of(row).metric,
             {{"question_id", text_of(row, "question_id")},
              {"duration", text_of(row, "duration")},
              {"category", text_of(row, "domain")},
              {"sub_category", text_of(row, "sub_category")},
              {"task_category", text_of(row, "task_type")},
              {"pred_answer", answer.parsed},
              {"answer", text_of(row, "answer")}}}};
  }

  /// What stands behind the options where upstream's configuration does not say.
  static constexpr auto default_post_prompt = "The best answer is:";

 private:
  static constexpr auto post_prompt =
      "\nAnswer with the option's letter from the given choices directly.";

  static std::filesystem::path subtitle_file(Row const& row) {
    return row.media / "subtitle" / (text_of(row, "videoID") + ".srt");
  }

  bool is_of(Row const& row, char const* field, std::string_view kind) const {
    if (this->scoring == Scoring::strict) return text_of(row, field) == kind;
    auto const names = fmt::format("{}_{}_{}_{}", text_of(row, "duration"), text_of(row, "domain"),
                                   text_of(row, "sub_category"), text_of(row, "task_type"));
    return names.find(kind) != std::string::npos;
  }
};

using VideoMme = VideoMmeRows<false>;
using VideoMmeSubtitles = VideoMmeRows<true>;

static_assert(Benchmark<VideoMme> && Benchmark<VideoMmeSubtitles>);

}  // namespace vcflash::eval
