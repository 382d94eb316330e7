#include <vcflash/train/config.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/checkpoint/small_recipe.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::train;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {
RunConfig defaults() { return default_config<test::SmallRecipe<VisualPretraining>>(); }
}  // namespace

TEST_CASE("a run begins with its recipe's values", "[unit]") {
  auto const config = defaults();
  CHECK(config.recipe.learning_rate == 1e-5);
  CHECK(config.recipe.encoder_learning_rate == 2e-6);
  CHECK(config.global_batch == 256);
  CHECK(config.accumulation() == 256);
  CHECK(config.dtype == at::kBFloat16);
  CHECK(config.order == data::Order::grouped);
}

TEST_CASE("a file overrides the recipe and a flag overrides the file", "[unit]") {
  test::TemporaryFolder const folder;
  auto config = defaults();
  overlay(config, folder.write("run.toml",
                               "[train]\nlearning_rate = 3e-4\nseed = 7\n"
                               "dtype = \"float32\"\n[data]\norder = \"mixture\"\n"
                               "sampling = \"middle\"\njitter = true\n"));
  overlay_setting(config, "train.seed=8");
  overlay_setting(config, "train.schedule=linear");
  overlay_setting(config, "train.clip_norm=2");
  overlay_setting(config, "train.gradient_checkpointing=false");
  CHECK(config.recipe.learning_rate == 3e-4);
  CHECK(config.recipe.seed == 8);
  CHECK(config.dtype == at::kFloat);
  CHECK(config.order == data::Order::mixture);
  CHECK(config.recipe.sampling == FrameSampling::middle);
  CHECK(config.jitter);
  CHECK(config.schedule == ScheduleKind::linear);
  CHECK(config.recipe.clip_norm == 2.0);
  CHECK_FALSE(config.recipe.gradient_checkpointing);
}

TEST_CASE("the effective settings are a file that says the same", "[unit]") {
  test::TemporaryFolder const folder;
  auto config = defaults();
  overlay_setting(config, "train.learning_rate=1");
  overlay_setting(config, "train.epsilon=1e-10");
  overlay_setting(config, "data.order=mixture");
  auto again = defaults();
  overlay(again, folder.write("config.toml", to_toml(config)));
  CHECK(settings_of(again) == settings_of(config));
  CHECK(to_toml(again) == to_toml(config));
}

TEST_CASE("an unknown setting is refused and the nearest one named", "[unit]") {
  test::TemporaryFolder const folder;
  auto config = defaults();
  CHECK_THROWS_MATCHES(
      overlay_setting(config, "train.max_step=3"), InputError,
      MessageMatches(ContainsSubstring("there is no setting train.max_step; the nearest is "
                                       "train.max_steps.")));
  CHECK_THROWS_MATCHES(
      overlay(config, folder.write("a.toml", "[trian]\nseed = 1\n")), InputError,
      MessageMatches(ContainsSubstring("a.toml: there is no setting trian.seed; the nearest is "
                                       "train.seed.")));
  CHECK_THROWS_MATCHES(overlay(config, folder.write("b.toml", "seed = 1\n")), InputError,
                       MessageMatches(ContainsSubstring("there is no setting seed;")));
}

TEST_CASE("a value of the wrong kind or range is one sentence", "[unit]") {
  auto config = defaults();
  auto const refused = [&](std::string const& assignment, std::string const& sentence) {
    CAPTURE(assignment);
    CHECK_THROWS_MATCHES(overlay_setting(config, assignment), InputError,
                         MessageMatches(ContainsSubstring(sentence)));
  };
  refused("train.max_steps=many", "train.max_steps = 'many' is not a whole number from 0 to");
  refused("train.max_steps=1.5", "is not a whole number");
  refused("train.max_steps=-1", "is not a whole number from 0");
  refused("train.micro_batch=0", "is not a whole number from 1");
  refused("train.warmup_ratio=2", "train.warmup_ratio = 2 is not a number from 0 to 1");
  refused("train.learning_rate=nan", "is not a number of at least 0");
  refused("train.dtype=float16", "is not one of \"float32\", \"bfloat16\"");
  refused("train.gradient_checkpointing=1", "is not true or false");
  refused("train.seed", "is not of the form name=value");
}

TEST_CASE("a file that is no TOML is refused with its line", "[unit]") {
  test::TemporaryFolder const folder;
  auto config = defaults();
  CHECK_THROWS_MATCHES(overlay(config, folder.write("a.toml", "[train]\nseed = = 1\n")), InputError,
                       MessageMatches(ContainsSubstring("a.toml: line 2: ")));
  CHECK_THROWS_AS(overlay(config, folder / "none.toml"), InputError);
}

TEST_CASE("settings that do not fit one another are refused", "[unit]") {
  auto config = defaults();
  overlay_setting(config, "train.micro_batch=3");
  CHECK_THROWS_MATCHES(require_consistent(config), InputError,
                       MessageMatches(ContainsSubstring(
                           "train.global_batch = 256 is no multiple of train.micro_batch = 3")));
  config = defaults();
  overlay_setting(config, "data.min_frames=9");
  CHECK_THROWS_AS(require_consistent(config), InputError);
}

TEST_CASE("a number of processes that the global batch cannot be dealt to is refused", "[unit]") {
  auto const config = defaults();
  CHECK_NOTHROW(require_consistent(config, 32));
  CHECK_THROWS_MATCHES(require_consistent(config, 3), InputError,
                       MessageMatches(ContainsSubstring("train.global_batch = 256 does not give "
                                                        "each of 3 processes as many")));
}
