#include <vcflash/app/evaluation_report.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <regex>
#include <string>
#include <vector>

#include <vcflash/eval/benchmarks/mlvu.hpp>
#include <vcflash/eval/benchmarks/perception_test.hpp>
#include <vcflash/eval/benchmarks/shapes.hpp>
#include <vcflash/eval/results.hpp>
#include <vcflash/media/encode.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

namespace {

nlohmann::ordered_json about() {
  return {{"model", "tiny"},
          {"folder", "runs/<1>"},
          {"dtype", "float32"},
          {"frames", {{"least", 4}, {"most", 8}, {"sampling", "middle"}}}};
}

/// The report of an exam to which this was said.
std::string page_of(Exam const& exam, std::vector<Said> const& said) {
  test::TemporaryFolder const out;
  write_results(out.path(), exam, Scoring::upstream, said, about());
  app::write_evaluation_report(out.path(), exam);
  return test::read_file(out / "report.html");
}

void write_clip(std::filesystem::path const& path) {
  media::write_video(path, {8, 36, 64, std::vector<std::uint8_t>(8 * 36 * 64 * 3, 90)});
}

}  // namespace

TEST_CASE("a report shows scores by both rules, tasks, answers with frames and what was broken",
          "[unit]") {
  test::TemporaryFolder const media;
  std::filesystem::create_directories(media / "MVLU/MLVU/video/1_plotQA");
  std::filesystem::create_directories(media / "MVLU/MLVU/video/2_needle");
  write_clip(media / "MVLU/MLVU/video/1_plotQA/a.mp4");
  write_clip(media / "MVLU/MLVU/video/2_needle/b.mp4");
  std::vector<Row> rows;
  for (std::size_t task = 0; task < 2; ++task) {
    for (std::int64_t i = 0; i < 2; ++i) {
      rows.push_back({task,
                      i,
                      {{"video", i == 1      ? "none.mp4"
                                 : task == 0 ? "a.mp4"
                                             : "b.mp4"},
                       {"question", "what <happens>?"},
                       {"candidates", {"a dog barks", "nothing"}},
                       {"answer", "a dog barks"}},
                      media.path(),
                      media.path()});
    }
  }
  ExamOf<Mlvu> const exam({}, rows);
  // the article is the answer A to upstream, and none to the strict rule
  auto const page = page_of(exam, {{.text = "a bird sings"},
                                   {.problem = "none.mp4: cannot be opened"},
                                   {.text = "(B)"},
                                   {.text = "(A)"}});
  std::regex const outside("(src|href)=\"(?!data:)|url\\(|@import|<script[^>]*src|<link");
  CHECK_FALSE(std::regex_search(page, outside));
  CHECK_THAT(page, ContainsSubstring("<h1>mlvu_mc</h1>") && ContainsSubstring("runs/&lt;1&gt;"));
  CHECK_THAT(page, ContainsSubstring("By both rules") && ContainsSubstring("By task") &&
                       ContainsSubstring(">plotqa<") && ContainsSubstring(">needle<") &&
                       ContainsSubstring("by the strict rule"));
  CHECK_THAT(page, ContainsSubstring("✗ wrong") && ContainsSubstring("✓ right") &&
                       ContainsSubstring("what &lt;happens&gt;?") &&
                       ContainsSubstring("data:image/jpeg;base64,/9j/"));
  CHECK_THAT(page, ContainsSubstring("What could not be asked") &&
                       ContainsSubstring("none.mp4: cannot be opened"));
  // every answer by both rules, of which one differs
  CHECK_THAT(page, ContainsSubstring(R"("columns":["upstream","strict"])") &&
                       ContainsSubstring(R"("text":"a bird sings","parsed":"A")") &&
                       ContainsSubstring(R"("text":"a bird sings","parsed":"")"));
}

TEST_CASE("a report names the right option by its letter", "[unit]") {
  Row const row{.doc = {{"video_name", "v"},
                        {"question", "q"},
                        {"options", {"a dog", "a cat"}},
                        {"answer_id", "1"}}};
  auto const page = page_of(ExamOf<PerceptionTest>({}, {row}), {{.text = "A"}});
  CHECK_THAT(page,
             ContainsSubstring("right is <code>B</code>") && ContainsSubstring(R"("right":"B")"));
}

TEST_CASE("a report of a control shows it beside the accuracy, and luck", "[unit]") {
  test::TemporaryFolder const media;
  write_clip(media / "a.mp4");
  using Question = Shapes::Question;
  Question const own{.id = 1,
                     .kind = "colour",
                     .text = "what colour is it ?",
                     .options = {"red", "blue", "green", "white"},
                     .right = "B",
                     .video = media / "a.mp4"};
  Question other = own;
  other.showing = Shapes::Showing::other;
  ExamOf<Shapes> const exam({}, {own, other});
  auto const page = page_of(exam, {{.text = "blue B"}, {.text = "red A"}});
  CHECK_THAT(page, ContainsSubstring("chance, 25.0") && ContainsSubstring("control: another") &&
                       ContainsSubstring("is-right\">B blue") && !ContainsSubstring("both rules") &&
                       !ContainsSubstring("What could not be asked"));
}

TEST_CASE("of a long prompt the end is shown, where the question stands", "[unit]") {
  test::TemporaryFolder const media;
  Shapes::Question const question{
      .kind = "colour",
      .text = "begins here " + std::string(2000, 'x') + " what colour is it ?",
      .options = {"red"},
      .right = "A",
      .video = media / "none.mp4"};
  auto const page = page_of(ExamOf<Shapes>({}, {question}), {{.text = "red A"}});
  CHECK_THAT(page, ContainsSubstring("what colour is it ?") && !ContainsSubstring("begins here") &&
                       !ContainsSubstring("<img"));
}
