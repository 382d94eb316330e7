#include <vcflash/eval/registry.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vector>

#include <vcflash/eval/all_benchmarks.hpp>

#include "tests/consumers/recipes/my_benchmark.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Takes the name of one that there is.
struct Other : RowBenchmark<Other> {
  static constexpr std::string_view name = "my_benchmark";
  static constexpr std::int64_t max_new_tokens = 8;
  static std::vector<Task> tasks() { return recipes::benchmarks::my_benchmark::tasks(); }
  std::string prompt(Row const&) const { return {}; }
  MediumRequest medium(Row const&) const { return {}; }
  std::string parse(Row const&, std::string const&) const { return {}; }
  double score(Row const&, std::string const&) const { return 0; }
  Scores aggregate(std::vector<Row> const&, std::vector<Answer> const&) const { return {}; }
};

}  // namespace

TEST_CASE("a benchmark that a project registers is asked by its name", "[unit]") {
  auto& registered = detail::registered_benchmarks();
  auto const before = registered.size();
  register_benchmark<recipes::benchmarks::my_benchmark>();
  vcflash::test::TemporaryFolder const folder;
  nlohmann::json const row{{"video", "v.mp4"}, {"question", "what?"}, {"answer", "a dog"}};
  folder.write("my_rows.json", nlohmann::json::array({row, row, row}).dump());
  CHECK_THAT(benchmark_names(), ContainsSubstring("my_benchmark"));
  auto const exam = open_exam("my_benchmark", {.data = folder.path(), .limit = 2});
  REQUIRE(exam->size() == 2);
  CHECK(exam->prompt(0) == "what?");
  CHECK(exam->medium(0).video == folder.path() / "v.mp4");
  CHECK(exam->aggregate(exam->graded(std::vector<Said>{{.text = "a dog"}, {.text = "a cat"}}))
            .value == 0.5);

  register_benchmark<Other>();
  CHECK_THROWS_WITH(benchmark_names(), ContainsSubstring("two benchmarks have the name"));
  registered.resize(before);
}

TEST_CASE("a limit is a number or a share of the questions", "[unit]") {
  CHECK(limited(10, 0) == 10);
  CHECK(limited(10, 3) == 3);
  CHECK(limited(10, 0.25) == 3);
  CHECK(limited(2, 5) == 2);
}
