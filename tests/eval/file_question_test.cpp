#include <vcflash/eval/file_question.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vector>

#include <vcflash/base/error.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;
using vcflash::test::TemporaryFolder;

namespace {

/// The questions of a file of rows, and the same from the folder `json`.
std::vector<FileQuestion> questions_in(std::string const& columns, std::string const& rows,
                                       std::string const& file = "r.json") {
  TemporaryFolder const folder;
  folder.write(file, rows);
  auto const spec = parse_benchmark(
      "[columns]\nvideo = 'v'\nquestion = 'q'\nanswer = 'a'\n" + columns +
          (columns.find("[rows]") == columns.npos ? "\n[rows]\nfile = '" + file + "'" : ""),
      "x.toml");
  return read_questions(spec, folder.path(), "media");
}

std::string const options = "options = 'o'\n";

}  // namespace

TEST_CASE("a row becomes a question with its video, options and right letter", "[unit]") {
  auto const questions = questions_in(
      "id = '{v}#{q}'\noptions = 'o'\nstart = 's'\nend = 'e'\ntask = 't'\ngroups = ['g']",
      R"([{"v": "a.mp4", "q": "x ", "o": ["red", "blue"], "a": "blue", "s": 1, "e": "2.5",
           "t": "T", "g": 3}])");
  REQUIRE(questions.size() == 1);
  auto const& question = questions[0];
  CHECK(question.id == "a.mp4#x ");
  CHECK(question.prompt == "x\nA. red\nB. blue");
  CHECK(question.medium.video == "media/a.mp4");
  CHECK(question.medium.start == 1);
  CHECK(question.medium.end == 2.5);
  CHECK(question.right == std::vector<std::string>{"B"});
  CHECK(question.task == "T");
  CHECK(question.groups == std::vector<std::string>{"3"});
}

TEST_CASE("the right option is a text, a letter or an index, whichever fits", "[unit]") {
  auto const right = [](std::string const& answer, std::string const& more = "") {
    return questions_in(options + more,
                        R"([{"v": "v", "q": "q", "o": ["x", "y", "7"], "a": )" + answer + "}]")[0]
        .right.front();
  };
  CHECK(right("\"Y\"") == "B");
  CHECK(right("\"(c)\"") == "C");
  CHECK(right("1") == "B");
  CHECK(right("\"1\"", "first_index = 1") == "A");
  CHECK(right("7") == "C");
  CHECK(right("\"B. y\"") == "B");
  CHECK(right("\"7\"", "answer_is = ['index', 'text']") == "C");
  CHECK(right("\"1\"", "answer_is = 'index'\nfirst_index = 1") == "A");
}

TEST_CASE("options are columns of their own, of which the last may be empty", "[unit]") {
  auto const questions =
      questions_in("options = ['A', 'B', 'C']", "v,q,A,B,C,a\nv,q,x,y,z,C\nv,q,x,y,,B\n", "r.csv");
  CHECK(questions[0].options.size() == 3);
  CHECK(questions[1].prompt == "q\nA. x\nB. y");
  CHECK(questions[1].id == "1");
  CHECK_THROWS_WITH(questions_in("options = ['A', 'B', 'C']", "v,q,A,B,C,a\nv,q,x,,z,C\n", "r.csv"),
                    ContainsSubstring("line 2: option B is empty, and one after it is \"z\""));
}

TEST_CASE("options in the question's own lines are no part of the question", "[unit]") {
  auto const questions =
      questions_in("options = 'q'", R"([{"v": "v", "q": "Who?\nA) x\nB) y", "a": "B"}])");
  CHECK(questions[0].prompt == "Who?\nA. x\nB. y");
  CHECK(questions[0].given[1] == "B) y");
}

TEST_CASE("a row's list has a question an element, and some are left out", "[unit]") {
  auto const questions =
      questions_in("options = 'q'\n[rows]\nfile = ['r.jsonl']\neach = 'qa'\nskip = { a = 'NA' }",
                   R"({"v": "v", "qa": [{"q": "1\nA. x\nB. y", "a": "B"}, {"q": "none", "a": "NA"}]}
         {"v": "w", "q": "2\nA. x\nB. y", "a": "A"})",
                   "r.jsonl");
  REQUIRE(questions.size() == 2);
  CHECK(questions[0].medium.video == "media/v");
  CHECK(questions[1].prompt == "2\nA. x\nB. y");
}

TEST_CASE("answers without options are texts, numbers and spans", "[unit]") {
  auto const rows = [](std::string const& answer) {
    return R"([{"v": "v", "q": "q", "a": )" + answer + "}]";
  };
  auto const rule = [](std::string const& name) { return "\n[score]\nrule = '" + name + "'"; };
  CHECK(questions_in(rule("exact"), rows("[\"x\", \"y\"]"))[0].right ==
        std::vector<std::string>{"x", "y"});
  CHECK(questions_in(rule("number"), rows("\"2.5\""))[0].number == 2.5);
  auto const span = questions_in(rule("span"), rows("[1, 2.5]"))[0].span;
  CHECK(span.start == 1);
  CHECK(span.end == 2.5);
}

TEST_CASE("a folder of pictures is a video, and files may be several", "[unit]") {
  TemporaryFolder const folder;
  for (auto const* file : {"json/x.json", "json/y.json"}) {
    folder.write(file, R"([{"f": "frames", "q": "q", "a": "yes"}])");
  }
  auto const questions = read_questions(
      parse_benchmark("rows.file = ['x.json', 'y.json']\n[columns]\nframes = '{file}/{f}'\n"
                      "question = 'q'\nanswer = 'a'\ntask = 'file'\n[score]\nrule = 'exact'",
                      "b.toml"),
      folder.path(), folder.path());
  REQUIRE(questions.size() == 2);
  CHECK(questions[1].id == "y/0");
  CHECK(questions[1].task == "y");
  CHECK(questions[1].medium.video == folder / "y/frames");
  CHECK(questions[1].medium.frame_folder);
}

TEST_CASE("a question may be about a picture", "[unit]") {
  TemporaryFolder const folder;
  folder.write("r.json", R"([{"p": "a.png", "q": "q", "a": "yes"}])");
  auto const questions = read_questions(
      parse_benchmark("rows.file = 'r.json'\n[columns]\nimage = 'p'\nquestion = 'q'\nanswer = 'a'\n"
                      "[score]\nrule = 'exact'",
                      "b.toml"),
      folder.path(), "media");
  CHECK(questions.at(0).medium.video == "media/a.png");
  CHECK(questions.at(0).medium.image);
}

TEST_CASE("a row that cannot be asked is refused with its place and what is wrong", "[unit]") {
  auto const refused = [](std::string const& columns, std::string const& row,
                          std::string const& say) {
    INFO(row);
    CHECK_THROWS_WITH(questions_in(columns, "[" + row + "]"),
                      ContainsSubstring("r.json: row 1: ") && ContainsSubstring(say));
  };
  std::string const row = R"({"v": "v", "q": "q", "o": ["x", "y"], "a": )";
  refused(options, row + "\"z\"}", "the answer \"z\" is none of the options A to B");
  refused(options, row + "2}", "none of the options");
  refused(options, R"({"v": "v", "q": "q", "o": ["1", "0"], "a": 1})",
          "is option A in one way and B in another");
  refused(options, R"({"v": "v", "q": "q", "o": ["x"], "a": "A"})", "there are 1 options; 2 to 26");
  refused(options, R"({"v": "v", "q": "q", "a": "A"})", "there is no column o; the nearest is");
  refused(options, R"({"v": "", "q": "q", "o": ["x", "y"], "a": "A"})", "video is empty");
  refused(options, R"({"v": {}, "q": "q", "o": ["x", "y"], "a": "A"})", "v is an object");
  refused(options + "start = 's'\nend = 'e'",
          R"({"v": "v", "q": "q", "o": ["x", "y"], "a": "A", "s": 2, "e": 1})", "clip ends at 1 s");
  refused("[score]\nrule = 'number'", R"({"v": "v", "q": "q", "a": "two"})",
          "\"two\" is no number");
  refused("[score]\nrule = 'span'", R"({"v": "v", "q": "q", "a": [1]})", "is no span");
  refused("[score]\nrule = 'span'", R"({"v": "v", "q": "q", "a": [2, 1]})", "before it starts");
  refused("[rows]\nfile = 'r.json'\neach = 'qa'\n[score]\nrule = 'exact'", R"({"qa": [3]})",
          "an element of qa is a number");
  refused("[rows]\nfile = 'r.json'\neach = 'qa'\n[score]\nrule = 'exact'", R"({"qa": "x"})",
          "qa is a string; a list was expected");
}

TEST_CASE("two rows of one id, no file and no rows are refused", "[unit]") {
  CHECK_THROWS_WITH(questions_in("id = 'v'\n" + options, R"([
    {"v": "v", "q": "q", "o": ["x", "y"], "a": "A"}, {"v": "v", "q": "q", "o": ["x", "y"], "a": "A"}])"),
                    ContainsSubstring("row 2") && ContainsSubstring("the id \"v\" too"));
  CHECK_THROWS_WITH(questions_in(options, "[]"), ContainsSubstring("no questions of x"));
  CHECK_THROWS_WITH(questions_in(options + "[rows]\nfile = 'other.json'", "[]"),
                    ContainsSubstring("neither json/other.json nor other.json"));
}
