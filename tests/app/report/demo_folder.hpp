#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <vcflash/eval/scores.hpp>
#include <vcflash/media/encode.hpp>

#include "tests/support/folder.hpp"

namespace vcflash::test {

using nlohmann::json;

/// A demo's folder with two short clips, four trainings and four answers.
struct Demo {
  Demo() {
    for (int i = 1; i <= 4; ++i) {
      auto const stage = "stage" + std::to_string(i);
      json const training{{"stage", "Stage<" + std::to_string(i) + ">"},
                          {"steps", 10 * i},
                          {"seconds", 30.0 * i},
                          {"loss_first", 5.0},
                          {"loss_last", 0.5},
                          {"parameters", 1161344},
                          {"trained_parameters", 33024},
                          {"resolution", 32},
                          {"clip_frames", 4},
                          {"clip_patches", 64},
                          {"clip_tokens", 32},
                          {"peak_memory_mib", 900},
                          {"vcflash", "0.1.0"},
                          {"parts", json::array({{{"part", "connector"},
                                                  {"component", "ToMe8"},
                                                  {"parameters", 33024},
                                                  {"trained", true}}})}};
      folder.write(stage + "/training.json", training.dump());
      folder.write(stage + "/metrics.jsonl",
                   "{\"step\":1,\"loss\":5.0,\"lr\":0}\n{\"step\":2,\"loss\":null,\"lr\":0}\n"
                   "{\"step\":3,\"loss\":0.5,\"lr\":0}\n");
    }
    std::string answers;
    for (int i = 0; i < 4; ++i) {
      auto const clip = folder / ("clip" + std::to_string(i % 2) + ".mp4");
      if (i < 2) {
        media::Frames frames{8, 64, 64, std::vector<std::uint8_t>(8 * 64 * 64 * 3, 90)};
        media::write_video(clip, frames);
      }
      json const answer{{"id", std::to_string(i)},
                        {"question", "what <colour> is it ? red A blue B green C white D"},
                        {"kind", "colour"},
                        {"showing", i == 3 ? "other" : "own"},
                        {"options", {"red", "blue", "green", "white"}},
                        {"right", "B"},
                        {"video", clip.string()},
                        {"answer", i == 0 ? " red A" : " blue B"},
                        {"parsed", i == 0 ? "A" : "B"},
                        {"score", i == 0 ? 0.0 : 1.0}};
      answers += answer.dump() + '\n';
    }
    folder.write("eval/answers.jsonl", answers);
    eval::Scores const scores{.value = 0.75,
                              .questions = 4,
                              .chance = 0.25,
                              .groups = {{"by_kind", {{"all", 0.75, 4}, {"colour", 0.75, 4}}}},
                              .controls = {{"control", {{"all", 0.25, 4}, {"colour", 0.25, 4}}},
                                           {"reversed", {{"direction", 0.9, 2}}}}};
    folder.write("eval/results.json", json{{"scores", to_json(scores)}}.dump());
    folder.write("phases.tsv", "make clips\t41.0\nstage 1\t9.5\n");
  }
  TemporaryFolder folder;
};

}  // namespace vcflash::test
