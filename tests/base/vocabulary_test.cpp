#include <vcflash/base/vocabulary.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("every choice has upstream's name", "[unit]") {
  STATIC_CHECK(name_of(FrameSampling::dynamic_fps1) == "dynamic_fps1");
  STATIC_CHECK(name_of(FrameSampling::middle) == "middle");
  STATIC_CHECK(name_of(Modality::video) == "video");
}
