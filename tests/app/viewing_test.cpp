#include <vcflash/app/viewing.hpp>

#include <CLI/CLI.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;

TEST_CASE("a model looks at videos as it was trained", "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("config.toml",
               "[data]\nmin_frames = 8\nmax_frames = 16\nsampling = \"middle\"\n"
               "time_message = false\n");
  auto const options = app::Viewing{}.options(folder.path(), 4, true);
  CHECK(options.frames.min_frames == 8);
  CHECK(options.frames.max_frames == 16);
  CHECK(options.frames.clip_length == 4);
  CHECK(options.frames.sampling == FrameSampling::middle);
  CHECK_FALSE(options.time_message);
}

TEST_CASE("without a run's settings, videos are seen as upstream's last stages see them",
          "[unit]") {
  test::TemporaryFolder const folder;
  auto const options = app::Viewing{}.options(folder.path(), 4, true);
  CHECK(options.frames.min_frames == 64);
  CHECK(options.frames.max_frames == 512);
  CHECK(options.frames.sampling == FrameSampling::dynamic_fps1);
  CHECK(options.time_message);
}

TEST_CASE("flags go before a run's settings", "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("config.toml", "[data]\nmin_frames = 8\nmax_frames = 16\ntime_message = true\n");
  app::Viewing viewing;
  CLI::App flags;
  viewing.add_flags(flags);
  char const* const line[] = {"x",          "--max-frames", "32", "--no-time-message",
                              "--sampling", "middle"};
  flags.parse(6, line);
  auto const options = viewing.options(folder.path(), 4, true);
  CHECK(options.frames.min_frames == 8);
  CHECK(options.frames.max_frames == 32);
  CHECK(options.frames.sampling == FrameSampling::middle);
  CHECK_FALSE(options.time_message);
}

TEST_CASE("settings that cannot be read, or do not fit, are refused", "[unit]") {
  using Catch::Matchers::ContainsSubstring;
  test::TemporaryFolder const folder;
  app::Viewing viewing;
  viewing.max_frames = 32;
  CHECK_THROWS_WITH(viewing.options(folder.path(), 4, true), ContainsSubstring("64 frames"));
  folder.write("config.toml", "[data\n");
  CHECK_THROWS_WITH(viewing.options(folder.path(), 4, true), ContainsSubstring("config.toml"));
}
