#include <vcflash/eval/evaluate.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include <vcflash/eval/benchmarks/shapes.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

namespace {

ExamOf<Shapes> exam(std::filesystem::path const& media) {
  std::vector<Shapes::Question> questions;
  for (std::int64_t i = 0; i < 4; ++i) {
    questions.push_back({.id = i,
                         .kind = "colour",
                         .text = "which?",
                         .options = {"red", "blue"},
                         .right = "A",
                         .video = media / std::to_string(i / 2)});
  }
  return {{}, questions};
}

}  // namespace

TEST_CASE("an evaluation that fails half way goes on, and tells who listens", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  auto const questions = exam("v");
  std::vector<std::size_t> known, asked;
  bool written = false;
  Evaluation evaluation{.out = out.path(), .media = "v", .about = {{"model", "m"}}};
  evaluation.depends_on["model"] = "m";
  evaluation.on_known = [&](std::size_t i, Said const&) { known.push_back(i); };
  evaluation.on_written = [&](auto const& results, auto const& said) {
    written = results.at("asked") == 4 && said.size() == 4;
    CHECK_FALSE(journals(out.path()).empty());
  };
  auto const ask = [&](std::size_t most) {
    return [&, most](std::vector<std::size_t> const& left, auto const& answered) {
      for (auto const i : left) {
        if (asked.size() == most) throw std::runtime_error("power cut");
        asked.push_back(i);
        answered(i, Said{.text = i == 0 ? "B" : "A"});
      }
    };
  };
  {
    Processes processes(out.path(), {});
    CHECK_THROWS_WITH(evaluate(questions, evaluation, processes, ask(3)), "power cut");
  }
  CHECK(known.empty());
  Processes processes(out.path(), {});
  auto const results = evaluate(questions, evaluation, processes, ask(100));
  REQUIRE(results);
  CHECK(known == std::vector<std::size_t>{0, 1, 2});
  CHECK(asked == std::vector<std::size_t>{0, 1, 2, 3});
  CHECK(results->at("scores").at("value") == 0.75);
  CHECK(results->at("model") == "m");
  CHECK(written);
  CHECK(journals(out.path()).empty());
  CHECK_FALSE(evaluate(questions, evaluation, processes, ask(100)));  // it is finished in this run
}

TEST_CASE("the same questions are told from others, wherever their videos lie", "[unit]") {
  CHECK(questions_fingerprint(exam("/a/v"), "/a/v") == questions_fingerprint(exam("/b"), "/b"));
  CHECK(questions_fingerprint(exam("/a/v"), "/a") != questions_fingerprint(exam("/b"), "/b"));
}
