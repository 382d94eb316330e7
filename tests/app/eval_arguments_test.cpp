#include <vcflash/app/eval_arguments.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "recipes/models/tiny.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
using Tiny = recipes::models::tiny;

TEST_CASE(
    "a model's folder is told from another by what is in its files, not by when they were written",
    "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("model.safetensors", "weights");
  auto const one = app::detail::folder_fingerprint(folder.path());
  CHECK(one == app::detail::folder_fingerprint(folder.path()));
  folder.write("report.html", "what an evaluation leaves");
  test::TemporaryFolder const copy;
  copy.write("model.safetensors", "weights");
  CHECK(one == app::detail::folder_fingerprint(copy.path()));
  copy.write("model.safetensors", "WEIGHTS");
  CHECK(one != app::detail::folder_fingerprint(copy.path()));
  std::string large(5 << 20, 'w');
  folder.write("model.safetensors", large);
  auto const before = app::detail::folder_fingerprint(folder.path());
  large.back() = 'x';
  folder.write("model.safetensors", large);
  CHECK(before != app::detail::folder_fingerprint(folder.path()));
}

TEST_CASE("a model is asked with its folder's penalty, and a run says so", "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("generation_config.json", R"({"repetition_penalty": 1.5})");
  app::detail::EvalArguments arguments;
  arguments.model = folder.path();
  arguments.batch = 3;
  auto const& tiny = app::detail::facts_of<Tiny>;
  auto const options = app::detail::run_options(tiny, arguments);
  CHECK(options.repetition_penalty == 1.5);
  CHECK(options.batch == 3);
  auto const about = app::detail::about_run(tiny, arguments, options);
  CHECK(about.at("model") == "tiny");
  CHECK(about.at("repetition_penalty") == 1.5);
  CHECK_FALSE(about.contains("batch"));  // answers do not depend on it
}

TEST_CASE("a benchmark's own number of frames gives way to the command line's", "[unit]") {
  test::TemporaryFolder const folder;
  app::detail::EvalArguments arguments;
  arguments.model = folder.path();
  arguments.video_timeout = 7;
  auto tiny = app::detail::facts_of<Tiny>;
  CHECK(app::detail::run_options(tiny, arguments).frames.max_frames == 512);
  // What was trained on at most so many frames is not shown more.
  CHECK(app::detail::run_options(tiny, arguments, {.most = 640}).frames.max_frames == 512);
  CHECK(app::detail::run_options(tiny, arguments, {.most = 32}).frames.max_frames == 32);
  tiny.asking = as_released;
  auto const wanted = app::detail::run_options(tiny, arguments, {.most = 640});
  CHECK(wanted.frames.max_frames == 640);
  CHECK(wanted.frames.min_frames == 64);
  CHECK(wanted.video_timeout == 7);
  arguments.viewing.max_frames = 128;
  CHECK(app::detail::run_options(tiny, arguments, {.most = 640}).frames.max_frames == 128);
}
