#include <vcflash/train/drop_path.hpp>

#include <ATen/ops/ones.h>

#include <catch2/catch_test_macros.hpp>

#include <vcflash/encoders/internvideo2.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/train/trainer.hpp>

#include "tests/checkpoint/small_recipe.hpp"
#include "tests/support/folder.hpp"
#include "tests/train/in_memory.hpp"

using namespace vcflash;

TEST_CASE("branches are left out at their rate, and the mean stays", "[unit]") {
  train::DropPath<RunDirectly> const run(7);
  STATIC_CHECK(DropsPaths<train::DropPath<RunDirectly>>);
  STATIC_CHECK_FALSE(DropsPaths<RunDirectly>);
  at::Tensor const kept = run.kept(20000, 0.25);
  CHECK(kept.sizes().vec() == std::vector<std::int64_t>{20000, 1, 1});
  CHECK(std::abs(kept.eq(0).to(at::kFloat).mean().item<float>() - 0.25F) < 0.02F);
  CHECK(std::abs(kept.mean().item<float>() - 1) < 0.02F);
  CHECK(run.kept(5, 0).eq(1).all().item<bool>());
}

TEST_CASE("the same seed leaves out the same branches, and layers run as ever", "[unit]") {
  auto const drawn = [](std::uint64_t seed) {
    return train::DropPath<RunDirectly>(seed).kept(64, 0.5);
  };
  CHECK(drawn(3).equal(drawn(3)));
  CHECK_FALSE(drawn(3).equal(drawn(4)));
  at::Tensor const x = at::ones({2});
  CHECK(train::DropPath<RunDirectly>(1)([](at::Tensor const& t) { return t * 3; }, x).equal(x * 3));
}

namespace {

using Branchy = InternVideo2<InternVideo2Config{.name = "small InternVideo2",
                                                .resolution = 28,
                                                .width = 16,
                                                .depth = 4,
                                                .heads = 2,
                                                .intermediate = 24}>;
struct BranchyRecipe
    : Training<ModelOf<Branchy, ToMeKind<1, 2, "ToMe1">, Qwen2<test::small_decoder<false>>>,
               VisualPretraining> {
  static constexpr Name name = "branchy";
};

double last_loss(std::string const& seed, bool recompute) {
  test::TemporaryFolder const folder;
  auto config = train::default_config<BranchyRecipe>();
  for (std::string const& setting :
       {std::string("train.dtype=float32"), std::string("train.global_batch=4"),
        std::string("train.micro_batch=2"), std::string("train.max_steps=3"), "train.seed=" + seed,
        std::string("train.gradient_checkpointing=") + (recompute ? "true" : "false")}) {
    train::overlay_setting(config, setting);
  }
  auto source = test::random_samples(4, 2, Branchy::resolution, BranchyRecipe::Llm::vocabulary);
  train::Trainer<BranchyRecipe> trainer(config, {.out = folder / "run"}, {}, {});
  return trainer.run(source).loss_last;
}

}  // namespace

TEST_CASE("a training with left-out branches is the same for the same seed, recomputed or not",
          "[unit]") {
  double const loss = last_loss("5", false);
  CHECK(last_loss("5", false) == loss);
  CHECK(last_loss("5", true) == loss);
}
