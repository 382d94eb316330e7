#include <vcflash/train/learner.hpp>
#include <vcflash/train/sample_source.hpp>

#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "tests/checkpoint/small_recipe.hpp"
#include "tests/train/in_memory.hpp"

using namespace vcflash;
using namespace vcflash::train;

namespace {

using Stage2 = test::SmallRecipe<VisualPretraining>;
using Stage4 = test::SmallRecipe<HighResPostSft>;

/// The gradients of one micro batch, by key.
template <class R>
NamedTensors gradients_of(std::vector<Sample> const& batch, std::int64_t threads) {
  typename R::Network network;
  initialize_model<R>(network, 3);
  freeze_as_staged<R>(network);
  auto config = default_config<R>();
  config.recipe.micro_batch = std::ssize(batch);
  config.global_batch = std::ssize(batch);
  config.batch_threads = threads;
  Learner<R> learner(network, config, at::kCPU, nullptr, nullptr);
  std::vector<std::int64_t> labels;
  for (auto const& sample : batch) {
    labels.push_back(size_of<typename R::Network>(sample, config.recipe.max_length).labels);
  }
  auto const learned = learner.learn(batch, labels, 0);
  CHECK_FALSE(learned.loss.requires_grad());
  CHECK(learned.forward_seconds() > 0);
  CHECK(learned.parts.size() == static_cast<std::size_t>(threads));
  NamedTensors gradients;
  for (auto const& parameter : parameters_of(network)) {
    gradients.emplace_back(parameter.key, parameter.value->grad());
  }
  return gradients;
}

}  // namespace

TEST_CASE("a micro batch is divided evenly, by what there is to learn from", "[unit]") {
  std::vector<Sample> const batch(5);
  std::vector<std::int64_t> labels{4, 0, 3, 0, 1};
  auto const all = train::detail::parts_of(batch, labels, 1);
  REQUIRE(all.size() == 1);
  CHECK(all[0].samples.size() == 5);
  CHECK(all[0].share == 1);
  auto const two = train::detail::parts_of(batch, labels, 2);
  REQUIRE(two.size() == 2);
  CHECK(two[0].samples.size() == 3);
  CHECK(two[0].share == 7.0 / 8);
  CHECK(two[1].share == 1.0 / 8);
  // Of one sample each, those without a label are left out.
  auto const many = train::detail::parts_of(batch, labels, 9);
  REQUIRE(many.size() == 3);
  CHECK(many[1].samples.data() == batch.data() + 2);
}

TEST_CASE("side by side, the parts of a micro batch add up to its gradient", "[unit]") {
  auto const batch =
      test::random_samples(1, 5, Stage2::Encoder::resolution, Stage2::Llm::vocabulary).next();
  auto const alone = gradients_of<Stage2>(batch, 1);
  for (std::int64_t const threads : {2, 5}) {
    auto const shared = gradients_of<Stage2>(batch, threads);
    for (std::size_t i = 0; i < alone.size(); ++i) {
      CAPTURE(threads, alone[i].first);
      REQUIRE(shared[i].second.defined() == alone[i].second.defined());
      if (alone[i].second.defined()) CHECK(shared[i].second.allclose(alone[i].second, 1e-4, 1e-6));
    }
  }
}

TEST_CASE("only what a stage trains gets gradients", "[unit]") {
  auto const batch =
      test::random_samples(1, 2, Stage4::Encoder::resolution, Stage4::Llm::vocabulary).next();
  for (auto const& [key, gradient] : gradients_of<Stage4>(batch, 1)) {
    CAPTURE(key);
    bool const trained = key.starts_with("model.vision_tower.") || key.starts_with("model.mm_proj");
    if (!trained) CHECK_FALSE(gradient.defined());
    if (key.starts_with("model.mm_proj")) CHECK(gradient.defined());
  }
}
