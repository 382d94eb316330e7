#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/eval/candidate_choice.hpp>

namespace vcflash::eval {

/// MVBench (Li et al. 2024): twenty short tasks about what happens in a video.
struct MvBench : CandidateBenchmark<MvBench> {
  static constexpr std::string_view name = "mvbench";

  /// A task and where its videos are. Upstream reads one set from object storage; here its path
  /// is below the media folder like the others'.
  struct Source {
    std::string_view task, folder;
  };
  static constexpr std::array<Source, 20> sources{{
      {"action_antonym", "ssv2-video"},
      {"action_count", "perception/videos"},
      {"action_localization", "sta/sta_video"},
      {"action_prediction", "star/Charades_v1_480"},
      {"action_sequence", "star/Charades_v1_480"},
      {"character_order", "perception/videos"},
      {"counterfactual_inference", "clevrer/video_validation"},
      {"egocentric_navigation", "vlnqa"},
      {"episodic_reasoning", "tvqa/frames_fps3_hq"},
      {"fine_grained_action", "Moments_in_Time_Raw/videos"},
      {"fine_grained_pose", "nturgbd"},
      {"moving_attribute", "clevrer/video_validation"},
      {"moving_count", "clevrer/video_validation"},
      {"moving_direction", "clevrer/video_validation"},
      {"object_existence", "clevrer/video_validation"},
      {"object_interaction", "star/Charades_v1_480"},
      {"object_shuffle", "perception/videos"},
      {"scene_transition", "scene-qa/video"},
      {"state_change", "perception/videos"},
      {"unexpected_action", "funqa-test/test"},
  }};

  static std::vector<Task> tasks() {
    std::vector<Task> tasks;
    for (auto const& source : sources) {
      std::string const task(source.task);
      tasks.push_back({.name = "mvbench_" + task,
                       .dataset_path = "eval_data_jsons/MVBench",
                       .dataset_name = task,
                       .split = "train",
                       .file = task,
                       .metric = "mvbench_accuracy",
                       .generation = greedy_generation(max_new_tokens),
                       .specific = {{"sub_task", task}, {"post_prompt", post_prompt}}});
    }
    return tasks;
  }

  std::string prompt(Row const& row) const {
    return "Question: " + text_of(row, "question") + "\nOption:\n" +
           lettered(texts_of(row, "candidates"), "(", ") ") + post_prompt;
  }

  MediumRequest medium(Row const& row) const {
    Source const& source = sources[row.task];
    MediumRequest medium{.video = row.media / source.folder / text_of(row, "video"),
                         .frame_folder = source.task == "episodic_reasoning"};
    set_clip(medium, row);
    return medium;
  }

 private:
  static constexpr auto post_prompt = "\nOnly give the best option.";
};

static_assert(Benchmark<MvBench>);

}  // namespace vcflash::eval
