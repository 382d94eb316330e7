#include <vcflash/eval/benchmark.hpp>

#include <catch2/catch_test_macros.hpp>

#include <vcflash/eval/benchmarks/shapes.hpp>

using namespace vcflash::eval;

namespace {

struct WithoutGrades {
  struct Question {};
  static constexpr std::string_view name = "without grades";
  static constexpr std::int64_t max_new_tokens = 1;
  std::vector<Question> load(std::filesystem::path const&) const { return {}; }
};

}  // namespace

TEST_CASE("what can be loaded, asked and graded is a benchmark, and nothing less", "[unit]") {
  STATIC_CHECK(Benchmark<Shapes>);
  STATIC_CHECK_FALSE(Benchmark<WithoutGrades>);
  STATIC_CHECK_FALSE(Benchmark<int>);
}

TEST_CASE("the same clip of the same video is decoded once, whichever way it is shown", "[unit]") {
  MediumRequest const forwards{.video = "a.mp4"};
  CHECK(forwards.frames_key() == MediumRequest{.video = "a.mp4", .reversed = true}.frames_key());
  CHECK(forwards.frames_key() != MediumRequest{.video = "b.mp4"}.frames_key());
  CHECK(forwards.frames_key() !=
        MediumRequest{.video = "a.mp4", .start = 1., .end = 2.}.frames_key());
}
