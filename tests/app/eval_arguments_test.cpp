#include <vcflash/app/eval_arguments.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "recipes/models/tiny.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
using Tiny = recipes::models::tiny;

TEST_CASE("a model's folder is told from one that was written anew", "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("model.safetensors", "weights");
  auto const one = app::detail::folder_fingerprint(folder.path());
  CHECK(one == app::detail::folder_fingerprint(folder.path()));
  folder.write("model.safetensors", "other weights");
  CHECK(one != app::detail::folder_fingerprint(folder.path()));
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
