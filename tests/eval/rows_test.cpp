#include <vcflash/eval/rows.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include <vcflash/eval/benchmarks/perception_test.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr auto row = R"({"video_name": "v", "question": "q", "options": ["a", "b"],
                         "answer_id": "1"})";

}  // namespace

TEST_CASE("rows are read from the folder or its json folder", "[unit]") {
  PerceptionTest benchmark;
  for (auto const* place : {"mc_question_val.json", "json/mc_question_val.json"}) {
    vcflash::test::TemporaryFolder const folder;
    folder.write(place, std::string("[") + row + "," + row + "]");
    benchmark.media.clear();
    auto const rows = benchmark.load(folder.path());
    REQUIRE(rows.size() == 2);
    CHECK(benchmark.id(rows[1]) == "perceptiontest_val_mc/1");
    CHECK(benchmark.medium(rows[1]).video == folder.path() / "videos/v.mp4");
    CHECK(benchmark.record(rows[1]).at("right") == "1");
    benchmark.media = "elsewhere";
    CHECK(benchmark.medium(benchmark.load(folder.path())[0]).video == "elsewhere/videos/v.mp4");
  }
}

TEST_CASE("rows that cannot be asked are named before the first answer", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  PerceptionTest const benchmark;
  auto const load = [&] { benchmark.load(folder.path()); };
  CHECK_THROWS_WITH(load(), ContainsSubstring("mc_question_val.json"));
  folder.write("mc_question_val.json", "[{");
  CHECK_THROWS_WITH(load(), ContainsSubstring("no JSON"));
  folder.write("mc_question_val.json", "{}");
  CHECK_THROWS_WITH(load(), ContainsSubstring("no array"));
  folder.write("mc_question_val.json", "[]");
  CHECK_THROWS_WITH(load(), ContainsSubstring("no questions"));
  folder.write("mc_question_val.json", std::string("[") + row + R"(, {"question": "q"}])");
  CHECK_THROWS_WITH(load(), ContainsSubstring("question 1"));
  folder.write("mc_question_val.json",
               R"([{"video_name": "v", "question": "q", "answer_id": "many"}])");
  CHECK_THROWS_AS(load(), vcflash::InputError);
}

TEST_CASE("options are lettered line by line", "[unit]") {
  CHECK(lettered({"x", "y"}, "(", ") ") == "(A) x\n(B) y\n");
  CHECK(lettered({}, "(", ") ").empty());
}
