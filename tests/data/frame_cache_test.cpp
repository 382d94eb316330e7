#include <vcflash/data/frame_cache.hpp>

#include <cstdint>
#include <memory>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash::data;

namespace {

std::shared_ptr<CachedFrames const> frames(int side) {
  auto made = std::make_shared<CachedFrames>();
  made->frames = {1, side, side, {}};
  made->frames.rgb.resize(static_cast<std::size_t>(side) * side * 3);
  return made;
}

}  // namespace

TEST_CASE("what was not wanted for longest leaves a full cache first", "[unit]") {
  auto const one = frames(32), two = frames(32), three = frames(32);
  FrameCache cache(one->bytes() * 2);
  cache.keep("one", one);
  cache.keep("two", two);
  CHECK(cache.find("one") == one);
  cache.keep("three", three);
  CHECK(cache.find("two") == nullptr);
  CHECK(cache.find("one") == one);
  CHECK(cache.find("three") == three);
  CHECK(cache.used() == one->bytes() * 2);
}

TEST_CASE("frames larger than the cache, or any without one, are not kept", "[unit]") {
  FrameCache cache(100), none(0);
  cache.keep("large", frames(32));
  CHECK(cache.find("large") == nullptr);
  CHECK(cache.used() == 0);
  none.keep("any", frames(1));
  CHECK_FALSE(none.enabled());
  CHECK(none.find("any") == nullptr);
}

TEST_CASE("the first of two equal keys stays", "[unit]") {
  auto const one = frames(8), two = frames(8);
  FrameCache cache(1 << 20);
  cache.keep("key", one);
  cache.keep("key", two);
  CHECK(cache.find("key") == one);
  CHECK(cache.used() == one->bytes());
}
