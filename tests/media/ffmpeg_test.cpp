#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <string>
#include <thread>

#include <vcflash/media/ffmpeg.hpp>

using namespace vcflash;
using namespace vcflash::media;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

TEST_CASE("what FFmpeg complains about is kept, not printed", "[unit]") {
  quiet_ffmpeg();
  av_log(nullptr, AV_LOG_INFO, "a remark\n");
  CHECK(ffmpeg_complaint().empty());
  av_log(nullptr, AV_LOG_ERROR, "atom %d is missing\n", 3);
  CHECK(ffmpeg_complaint() == "atom 3 is missing");
  CHECK_THAT(ffmpeg_reason(AVERROR_INVALIDDATA), EndsWith("(atom 3 is missing)"));
  quiet_ffmpeg();
  CHECK(ffmpeg_reason(AVERROR(ENOENT)) == "No such file or directory");
}

TEST_CASE("a deadline that has passed names the file", "[unit]") {
  Deadline const over(std::chrono::milliseconds(0));
  CHECK(over.passed());
  CHECK_THROWS_WITH(over.check("clip.mp4"), ContainsSubstring("clip.mp4: not read within 0 ms"));
  Deadline const far(std::chrono::hours(1));
  CHECK_FALSE(far.passed());
  CHECK_NOTHROW(far.check("clip.mp4"));
}

TEST_CASE("FFmpeg can ask a deadline whether to stop", "[unit]") {
  Deadline over(std::chrono::milliseconds(0)), far(std::chrono::hours(1));
  auto const stop = over.interrupt(), go_on = far.interrupt();
  CHECK(stop.callback(stop.opaque) == 1);
  CHECK(go_on.callback(go_on.opaque) == 0);
}

TEST_CASE("a long video may take longer", "[unit]") {
  Deadline deadline({std::chrono::milliseconds(0), 0.5});
  CHECK(deadline.passed());
  deadline.allow_for(100);
  CHECK_FALSE(deadline.passed());
  Deadline fixed(std::chrono::milliseconds(0));
  fixed.allow_for(100);
  CHECK_THROWS_WITH(fixed.check("clip.mp4"), ContainsSubstring("within 0 ms"));
}

TEST_CASE("a null pointer from FFmpeg is an error", "[unit]") {
  CHECK_THROWS_AS(allocated(Packet{}), Error);
  CHECK(make_packet());
  CHECK(make_picture());
}

TEST_CASE("a deadline counts work and waiting for bytes, not what else a machine does", "[unit]") {
  Deadline deadline(std::chrono::milliseconds(200));
  std::this_thread::sleep_for(std::chrono::milliseconds(250));  // as if others had the processor
  CHECK_FALSE(deadline.passed());
  deadline.add_waiting(std::chrono::milliseconds(150));
  CHECK_FALSE(deadline.passed());
  deadline.add_waiting(std::chrono::milliseconds(60));
  CHECK_THROWS_AS(deadline.check("clip.mp4"), TooSlow);
  Deadline busy(std::chrono::milliseconds(20));
  auto const begun = Deadline::Clock::now();
  while (!busy.passed() && Deadline::Clock::now() - begun < std::chrono::seconds(20)) {
  }
  CHECK(busy.passed());
}

TEST_CASE("reading can be called off", "[unit]") {
  std::atomic<bool> stop = false;
  TimeLimit limit(std::chrono::hours(1));
  limit.stop = &stop;
  Deadline const deadline(limit);
  CHECK_NOTHROW(deadline.check("clip.mp4"));
  stop = true;
  CHECK_THROWS_AS(deadline.check("clip.mp4"), Stopped);
}
