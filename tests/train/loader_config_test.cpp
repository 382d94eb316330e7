#include <vcflash/train/loader_config.hpp>

#include <catch2/catch_test_macros.hpp>

#include "tests/checkpoint/small_recipe.hpp"

using namespace vcflash;

TEST_CASE("the loader is told what the recipe's encoder takes and what the run sets", "[unit]") {
  using R = test::SmallRecipe<VisualPretraining>;
  auto run = train::default_config<R>();
  train::overlay_setting(run, "train.micro_batch=4");
  train::overlay_setting(run, "train.global_batch=8");
  train::overlay_setting(run, "data.frame_cache=3");
  train::overlay_setting(run, "data.max_bad_fraction=0.2");
  train::overlay_setting(run, "data.allow_outside_root=true");
  CHECK(train::loader_config(run, encoder_facts<R::Encoder>(), "", "").sample.time_limit ==
        media::default_time_limit);
  CHECK(train::loader_config(run, encoder_facts<R::Encoder>(), "", "").sample.images ==
        ImageLayout::anyres_nopad);
  train::overlay_setting(run, "data.video_timeout=0.5");
  train::overlay_setting(run, "data.image_aspect_ratio=pad");
  auto const config =
      train::loader_config(run, encoder_facts<R::Encoder>(), "mix.yaml", "bad.jsonl");
  CHECK(config.mixture == "mix.yaml");
  CHECK(config.batch == 4);
  CHECK(config.accumulation == 2);
  CHECK(config.order == data::Order::grouped);
  CHECK(config.seed == 42);
  CHECK(config.sample.image_size == R::Encoder::resolution);
  CHECK(config.sample.clip_length == R::Encoder::clip.frames);
  CHECK(config.sample.max_frames == 8);
  CHECK(config.sample.frame_cache == 3U << 20);
  CHECK(config.sample.time_limit == media::TimeLimit(std::chrono::milliseconds(500)));
  CHECK(config.sample.max_length == run.recipe.max_length);
  CHECK(config.sample.images == ImageLayout::pad);
  CHECK(config.max_bad_fraction == 0.2);
  CHECK(config.allow_outside);
  CHECK(config.sample.mean == R::Encoder::pixels.mean);
  CHECK(config.world == 1);
  auto const second = train::loader_config(run, encoder_facts<R::Encoder>(), "", "", 1, 2);
  CHECK(second.rank == 1);
  CHECK(second.world == 2);
  CHECK(second.accumulation == 1);
  // while one reads a film the other waits for it, and gives up after dist.timeout
  CHECK(second.sample.time_limit.most ==
        std::chrono::milliseconds(std::int64_t(run.dist_timeout * 500)));
}
