#include <vcflash/train/stepper.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/tensor/parameter_list.hpp>
#include "tests/checkpoint/small_recipe.hpp"
#include "tests/train/in_memory.hpp"

using namespace vcflash;
using namespace vcflash::train;

namespace {

using Stage4 = test::SmallRecipe<HighResPostSft>;

RunConfig small_steps() {
  auto config = default_config<Stage4>();
  for (std::string const setting : {"train.dtype=float32", "train.global_batch=6",
                                    "train.micro_batch=3", "train.gradient_checkpointing=false"}) {
    overlay_setting(config, setting);
  }
  return config;
}

}  // namespace

TEST_CASE("a step moves what its stage trains and nothing else", "[unit]") {
  Stage4::Network network;
  initialize_model<Stage4>(network, 3);
  std::vector<Tensor> before;
  for (auto const& parameter : parameters_of(network)) before.push_back(parameter.value->clone());
  auto const config = small_steps();
  Stepper<Stage4> stepper(network, config, nullptr, at::kCPU);
  auto source = test::random_samples(4, 3, Stage4::Encoder::resolution, Stage4::Llm::vocabulary);
  std::vector<std::string> ids;
  auto const report = stepper.step(source, 0, 1.0, ids, nullptr);
  REQUIRE(report);
  CHECK(report->step == 1);
  CHECK(report->skipped.empty());
  CHECK(source.position() == data::Position{0, 2});  // two micro batches make a step

  std::size_t place = 0, moved = 0;
  for (auto const& parameter : parameters_of(network)) {
    bool const same = parameter.value->equal(before[place++]);
    bool const trained = parameter.key.starts_with("model.vision_tower.") ||
                         parameter.key.starts_with("model.mm_projector.");
    INFO(parameter.key);
    if (!trained) CHECK(same);
    moved += same ? 0 : 1;
  }
  CHECK(moved > 0);
}
