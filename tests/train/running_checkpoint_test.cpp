#include <vcflash/train/running_checkpoint.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>

#include "tests/checkpoint/small_recipe.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::train;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

std::vector<std::int64_t> steps_in(std::filesystem::path const& out) {
  std::vector<std::int64_t> steps;
  for (auto const& checkpoint : running_checkpoints(out)) steps.push_back(checkpoint.step);
  return steps;
}

}  // namespace

TEST_CASE("running checkpoints are found by their names, the newest first", "[unit]") {
  test::TemporaryFolder const folder;
  CHECK(steps_in(folder / "none").empty());
  for (auto const* const name : {"checkpoint-9", "checkpoint-10", "checkpoint-x", "checkpoint-",
                                 ".checkpoint-11.partial", "checkpoint-3b", "other"}) {
    std::filesystem::create_directory(folder / name);
  }
  folder.write("checkpoint-12", "a file");
  CHECK(steps_in(folder.path()) == std::vector<std::int64_t>{10, 9});
}

TEST_CASE("the newest checkpoints are kept and the others removed", "[unit]") {
  test::TemporaryFolder const folder;
  for (auto const* const name : {"checkpoint-1/a", "checkpoint-2/a", "checkpoint-10/a"}) {
    folder.write(name, "x");
  }
  keep_newest(folder.path(), 2);
  CHECK(steps_in(folder.path()) == std::vector<std::int64_t>{10, 2});
}

TEST_CASE("a run's state survives its file", "[unit]") {
  test::TemporaryFolder const folder;
  auto const config = default_config<test::SmallRecipe<VideoSft>>();
  RunState const state{7, {1, 3}, 12.25, 3.5, 1.0 / 3};
  write_state(folder.path(), state, config, {"small"});
  CHECK(read_state(folder.path(), config, {"small"}) == state);
  SECTION("that of one which learned nothing has no loss") {
    write_state(folder.path(), {}, config, {"small"});
    CHECK_THAT(test::read_file(folder / state_file), ContainsSubstring("\"loss_first\": null"));
    CHECK(std::isnan(read_state(folder.path(), config, {"small"}).loss_last));
  }
}

TEST_CASE("the state of another run is refused, naming the setting", "[unit]") {
  test::TemporaryFolder const folder;
  auto config = default_config<test::SmallRecipe<VideoSft>>();
  write_state(folder.path(), {}, config, {"small"});
  CHECK_THROWS_AS(read_state(folder.path(), config, {"other"}), OtherRun);
  config.recipe.seed = 43;
  CHECK_THROWS_MATCHES(
      read_state(folder.path(), config, {"small"}), OtherRun,
      MessageMatches(ContainsSubstring("was left by a run with train.seed = 42, this one has 43; "
                                       "give --resume never")));
  folder.write("trainer_state.json", "{\"global_step\": \"many\"}");
  CHECK_THROWS_MATCHES(read_state(folder.path(), config, {"small"}), InputError,
                       MessageMatches(ContainsSubstring("is not the state of a run")));
}

TEST_CASE("a run goes on with other rows, or another order of them, only if that is allowed",
          "[unit]") {
  test::TemporaryFolder const folder;
  auto config = default_config<test::SmallRecipe<VideoSft>>();
  write_state(folder.path(), {}, config, {"small", "aa"});
  CHECK(read_state(folder.path(), config, {"small", "aa"}).step == 0);
  CHECK_THROWS_MATCHES(
      read_state(folder.path(), config, {"small", "bb"}), OtherRun,
      MessageMatches(ContainsSubstring("--data = \"aa\", this one has \"bb\"; give "
                                       "--allow-changes")));
  CHECK(read_state(folder.path(), config, {"small", "bb", true}).step == 0);
  config.order = data::Order::mixture;
  CHECK_THROWS_MATCHES(read_state(folder.path(), config, {"small", "aa"}), OtherRun,
                       MessageMatches(ContainsSubstring("data.order")));
}

TEST_CASE("settings that change results are named when they are other than before", "[unit]") {
  test::TemporaryFolder const folder;
  auto config = default_config<test::SmallRecipe<VideoSft>>();
  write_state(folder.path(), {}, config, {"small"});
  config.workers = 9;
  config.save_minutes = 1;
  CHECK(changed_settings(folder.path(), config).empty());
  config.recipe.weight_decay = 0.5;
  config.recipe.max_steps = 7;
  CHECK(changed_settings(folder.path(), config) ==
        "train.max_steps = 7 (was 0), train.weight_decay = 0.5 (was 0.0)");
}
