#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/eval/candidate_choice.hpp>

namespace vcflash::eval {

/// LVBench (Wang et al. 2024): hour-long videos, which upstream keeps as folders of frames, one a
/// second. The candidates bring their own `(A) `, and the prompt puts `A. ` before it.
struct LvBench : CandidateBenchmark<LvBench> {
  static constexpr std::string_view name = "lvbench";
  static constexpr std::int64_t max_frames = 640;  ///< of upstream's script; of all others 512

  static constexpr std::array<std::string_view, 6> kinds{"cartoon",   "documentary", "live",
                                                         "selfmedia", "sport",       "tv"};

  static std::vector<Task> tasks() {
    std::vector<Task> tasks;
    for (std::string_view const kind : kinds) {
      std::string const task = "lvbench_" + std::string(kind);
      tasks.push_back({.name = task,
                       .dataset_path = "eval_data_jsons/LVBench",
                       .dataset_name = task,
                       .split = "train",
                       .file = "lvbench_clean_" + std::string(kind),
                       .metric = "lvbench_mc_accuracy",
                       .generation = greedy_generation(max_new_tokens),
                       .specific = {{"sub_task", task}, {"post_prompt", post_prompt}}});
    }
    return tasks;
  }

  std::string prompt(Row const& row) const {
    return text_of(row, "question") + "\n" + lettered(texts_of(row, "candidates"), "", ". ") +
           post_prompt;
  }

  MediumRequest medium(Row const& row) const {
    MediumRequest medium{.video = row.media / "LVBench/frames" / text_of(row, "video"),
                         .frame_folder = true};
    set_clip(medium, row);
    return medium;
  }

 private:
  static constexpr auto post_prompt =
      "Answer with the option's letter from the given choices directly.";
};

static_assert(Benchmark<LvBench>);

}  // namespace vcflash::eval
