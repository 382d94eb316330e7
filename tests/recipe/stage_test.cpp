#include <vcflash/recipe/stage.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("the four stages set what upstream's scripts set", "[unit]") {
  STATIC_CHECK(ConnectorInit::defaults.global_batch() == 512);
  STATIC_CHECK(ConnectorInit::defaults.chat == ChatTemplate::plain);
  STATIC_CHECK(VisualPretraining::defaults.global_batch() == 256);
  STATIC_CHECK(VisualPretraining::defaults.max_frames == 8);
  STATIC_CHECK(VideoSft::defaults.encoder_learning_rate == 2e-6);
  STATIC_CHECK(VideoSft::defaults.min_frames == 64);
  STATIC_CHECK(HighResPostSft::defaults.save_every == 8000);
}

TEST_CASE("what each stage trains", "[unit]") {
  STATIC_CHECK(ConnectorInit::trained.connector && !ConnectorInit::trained.encoder);
  STATIC_CHECK(VideoSft::trained.encoder && VideoSft::trained.llm);
  STATIC_CHECK(HighResPostSft::trained.encoder && !HighResPostSft::trained.llm);
  STATIC_CHECK_FALSE(TrainedParts{}.any());
}

TEST_CASE("upstream's stages shard the optimizer's state, as its scripts do", "[unit]") {
  STATIC_CHECK(std::same_as<VisualPretraining::Sharding, Zero<1>>);
  STATIC_CHECK(Zero<1>::stage.optimizer() && !Zero<1>::stage.gradients());
  STATIC_CHECK(Zero<2>::stage.gradients() && !Zero<2>::stage.parameters());
  STATIC_CHECK(Zero<3>::stage.parameters());
}

TEST_CASE("what is and what is not a stage", "[unit]") {
  STATIC_CHECK(Stage<VisualPretraining>);
  STATIC_CHECK_FALSE(Stage<Hyperparameters>);
}

TEST_CASE("an image layout is known by its name", "[unit]") {
  for (ImageLayout const layout : all_image_layouts) {
    CHECK(image_layout_named(name_of(layout)) == layout);
  }
  CHECK_FALSE(image_layout_named("anyres"));
}
