#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <vcflash/media/encode.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

#include "tests/support/folder.hpp"

namespace vcflash::test {

/// A mixture of two sets: videos (one good and shown by two rows, one broken, one missing, a row of
/// the wrong shape) and a picture with a row that has no <image>.
struct SmallMixture {
  TemporaryFolder folder;
  std::filesystem::path yaml;

  SmallMixture() {
    media::Frames const clip{16, 32, 32, std::vector<std::uint8_t>(16 * 32 * 32 * 3, 90)};
    media::write_video(folder / "good.mp4", clip, {.fps = 2});
    folder.write("broken.mp4", "no video at all");
    auto const png = media::encode_png({8, 8, std::vector<std::uint8_t>(8 * 8 * 3, 200)});
    folder.write("good.png", {reinterpret_cast<char const*>(png.data()), png.size()});
    folder.write("videos.jsonl", row("video", "good.mp4", "<image>\nwhat what") +
                                     row("video", "good.mp4", "<image>\nwhat") +
                                     row("video", "broken.mp4", "<image>\nwhat") +
                                     row("video", "none.mp4", "<image>\nwhat") + "{}\n");
    folder.write("pictures.jsonl",
                 row("image", "good.png", "<image>\nwhat") + row("image", "good.png", "what"));
    yaml = folder.write("mix.yaml",
                        "datasets: [{json_path: videos.jsonl}, {json_path: pictures.jsonl}]");
    std::vector<std::string> const words{"what", "grey", "user", "assistant"};
    text::write_word_tokenizer(folder / "tokenizer", words);
  }

  static std::string row(std::string const& kind, std::string const& path,
                         std::string const& question) {
    std::string text = question;
    if (auto const at = text.find('\n'); at != text.npos) text.replace(at, 1, "\\n");
    return "{\"" + kind + "\": \"" + path + R"(", "conversations": [{"from": "human", "value": ")" +
           text + R"("}, {"from": "gpt", "value": "grey"}]})" + "\n";
  }
};

}  // namespace vcflash::test
