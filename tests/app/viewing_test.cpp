#include <vcflash/app/viewing.hpp>
#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/trained_view.hpp>

#include <CLI/CLI.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A folder as a training leaves it that saw 8 to 16 frames.
void write_config(test::TemporaryFolder const& folder, bool time_message) {
  nlohmann::json config;
  config[checkpoint::trained_view_field] =
      checkpoint::to_json(checkpoint::TrainedView{.model = "mine",
                                                  .resolution = 16,
                                                  .min_frames = 8,
                                                  .max_frames = 16,
                                                  .sampling = FrameSampling::middle,
                                                  .time_message = time_message});
  folder.write("config.json", config.dump());
}

constexpr Asking own{.frame_group = 4};

}  // namespace

TEST_CASE("a model of one's own looks at videos as config.json says it was trained", "[unit]") {
  test::TemporaryFolder const folder;
  write_config(folder, false);
  auto const options = app::Viewing{}.options(folder.path(), own);
  CHECK(options.frames.min_frames == 8);
  CHECK(options.frames.max_frames == 16);
  CHECK(options.frames.clip_length == 4);
  CHECK(options.frames.sampling == FrameSampling::middle);
  CHECK(options.form == QuestionForm::trained);
  CHECK_FALSE(options.time_message);
}

TEST_CASE("a released model is asked as its own code asks it, whatever it was trained on",
          "[unit]") {
  test::TemporaryFolder const folder;
  write_config(folder, false);
  auto const options = app::Viewing{}.options(folder.path(), as_released);
  CHECK(options.frames.min_frames == 64);
  CHECK(options.frames.max_frames == 512);
  CHECK(options.frames.clip_length == 8);
  CHECK(options.frames.sampling == FrameSampling::dynamic_fps1);
  CHECK(options.form == QuestionForm::released);
  CHECK(options.time_message);
}

TEST_CASE("a folder that does not say how it was trained is asked as the model's type says",
          "[unit]") {
  test::TemporaryFolder const folder;
  auto const options = app::Viewing{}.options(folder.path(), own);
  CHECK(options.frames.min_frames == 64);
  CHECK(options.frames.max_frames == 512);
  CHECK(options.time_message);
}

TEST_CASE("flags go before what a folder says", "[unit]") {
  test::TemporaryFolder const folder;
  write_config(folder, true);
  app::Viewing viewing;
  CLI::App flags;
  viewing.add_flags(flags);
  char const* const line[] = {"x",          "--max-frames", "32", "--no-time-message",
                              "--sampling", "dynamic_fps1"};
  flags.parse(6, line);
  auto const options = viewing.options(folder.path(), own);
  CHECK(options.frames.min_frames == 8);
  CHECK(options.frames.max_frames == 32);
  CHECK(options.frames.sampling == FrameSampling::dynamic_fps1);
  CHECK_FALSE(options.time_message);
}

TEST_CASE("a limit below the least number of frames is kept as upstream keeps it, and said",
          "[unit]") {
  test::TemporaryFolder const folder;
  app::Viewing viewing;
  viewing.max_frames = 32;
  auto const options = viewing.options(folder.path(), as_released);
  CHECK(options.frames.min_frames == 64);
  CHECK(options.frames.max_frames == 32);
  CHECK_THAT(app::advice(options), ContainsSubstring("--min-frames 32"));
  viewing.min_frames = 64;
  CHECK_THROWS_WITH(viewing.options(folder.path(), as_released),
                    ContainsSubstring("--min-frames 64 is above --max-frames 32"));
  viewing.min_frames = 32;
  CHECK(app::advice(viewing.options(folder.path(), as_released)).empty());
}

TEST_CASE("a configuration that cannot be read is refused by its file", "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("config.json", R"({"vcflash": {"min_frames": "many"}})");
  CHECK_THROWS_WITH(app::Viewing{}.options(folder.path(), own), ContainsSubstring("config.json"));
}
