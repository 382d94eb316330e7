#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/eval/candidate_choice.hpp>

namespace vcflash::eval {

/// MLVU (Zhou et al. 2024), its multiple-choice tasks about long videos.
struct Mlvu : CandidateBenchmark<Mlvu> {
  static constexpr std::string_view name = "mlvu_mc";

  /// The name of a task, and of its file and its folder of videos.
  struct Source {
    std::string_view task, file;
  };
  static constexpr std::array<Source, 7> sources{{
      {"plotqa", "1_plotQA"},
      {"needle", "2_needle"},
      {"ego", "3_ego"},
      {"count", "4_count"},
      {"order", "5_order"},
      {"anomaly_reco", "6_anomaly_reco"},
      {"topic_reasoning", "7_topic_reasoning"},
  }};

  static std::vector<Task> tasks() {
    std::vector<Task> tasks;
    for (auto const& source : sources) {
      std::string const file(source.file);
      tasks.push_back({.name = "mlvu_mc_" + std::string(source.task),
                       .dataset_path = "eval_data_jsons/MLVU_MC",
                       .dataset_name = file,
                       .split = "train",
                       .file = file,
                       .metric = "mlvu_mc_accuracy",
                       .generation = greedy_generation(max_new_tokens),
                       .specific = {{"sub_task", file}, {"post_prompt", post_prompt}}});
    }
    return tasks;
  }

  std::string prompt(Row const& row) const {
    return "Question:" + text_of(row, "question") + "\nOption:\n" +
           lettered(texts_of(row, "candidates"), "(", ") ") + post_prompt;
  }

  MediumRequest medium(Row const& row) const {
    MediumRequest medium{.video = row.media / "MVLU/MLVU/video" / sources[row.task].file /
                                  text_of(row, "video")};
    set_clip(medium, row);
    return medium;
  }

 private:
  static constexpr auto post_prompt =
      "Answer with the option's letter from the given choices directly.";
};

static_assert(Benchmark<Mlvu>);

}  // namespace vcflash::eval
