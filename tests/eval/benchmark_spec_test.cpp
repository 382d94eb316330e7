#include <vcflash/eval/benchmark_spec.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include <vcflash/base/error.hpp>

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string const least =
    "rows = { file = 'r.json' }\n"
    "[columns]\nvideo = 'v'\nquestion = 'q'\nanswer = 'a'\noptions = 'o'\n";

BenchmarkSpec parsed(std::string const& toml) { return parse_benchmark(toml, "mine/x.toml"); }

}  // namespace

TEST_CASE("a benchmark's file says little where the defaults fit", "[unit]") {
  auto const spec = parsed(least);
  CHECK(spec.name == "x");
  CHECK(spec.rows.files == std::vector<std::string>{"r.json"});
  CHECK(spec.score.rule == AnswerRule::choice);
  CHECK_FALSE(spec.score.lmms_eval);
  CHECK(spec.max_new_tokens == 16);
  CHECK(spec.frames.most == 0);
  CHECK(spec.prompt.text.names() == std::vector<std::string>{"question", "options"});
}

TEST_CASE("columns are named, chosen from or put together", "[unit]") {
  auto const spec = parsed(
      "rows.file = 'r.json'\n[columns]\nvideo = '{a}/{b.c}.mp4'\n"
      "question = 'q | text'\nanswer = ['s', 'e']\n[score]\nrule = 'span'\n"
      "[ask]\nmin_frames = 8\nmax_frames = 16");
  CHECK(spec.columns.video.parts->names() == std::vector<std::string>{"a", "b.c"});
  CHECK(spec.columns.question.names == std::vector<std::string>{"q", "text"});
  CHECK(spec.columns.answer.size() == 2);
  CHECK(spec.frames.least == 8);
  CHECK(spec.frames.most == 16);
}

TEST_CASE("whatever is wrong in a benchmark's file is one sentence with the file and the key",
          "[unit]") {
  auto const refused = [](std::string const& toml, std::string const& say) {
    INFO(toml);
    CHECK_THROWS_AS(parsed(toml), vcflash::InputError);
    CHECK_THROWS_WITH(parsed(toml), ContainsSubstring("mine/x.toml: ") && ContainsSubstring(say));
  };
  refused("rows = [", "line 1");
  refused("", "[rows]: file is missing");
  refused("rows = 3", "rows = 3; a table, [rows] was expected");
  refused("rows.file = 'r.json'", "one of a video file, a folder of pictures and a picture");
  refused("rows.fle = 'r.json'", "file is missing");
  refused("rows.file = 'r'\nrows.lits = 'a'", "no key lits; the nearest is list");
  refused("clumns = 3\n" + least, "no key clumns; the nearest is columns");
  refused(least + "start = 's'", "end is missing; both ends of a clip");
  refused(least + "frames = 'f'", "one of a video file");
  refused("rows.file = 'r'\n[columns]\nimage = 'v'\nstart = 's'\nend = 'e'",
          "no clip of a picture");
  refused(least + "task = ' | b'", "the name of a column");
  refused(least + "id = '{a'", "a brace without a name");
  refused(least + "answer_is = 'number'", "one of \"text\", \"letter\", \"index\"");
  refused(least + "first_index = 2", "from 0 to 1");
  refused(least + "[prompt]\ntext = '{qestion}'", "the nearest to {qestion} is {question}");
  refused(least + "[prompt]\ntext = '{row.}'", "no name but");
  refused(least + "[prompt]\noption = '{question}'", "{letter}, {text}");
  refused(least + "[score]\nrule = 'choise'", "\"choice\", \"exact\"");
  refused(least + "[score]\nlmms_eval = 'mvbench'", "\"egoschema\"");
  refused(least + "[score]\ntolerance = 1", "rule = \"number\", whose setting it is");
  refused(least + "[score]\nmean_of_tasks = true", "columns.task");
  refused(least + "[ask]\nmax_new_tokens = 0", "from 1 to");
  refused(least + "[ask]\nmax_frames = 8", "ask.min_frames and ask.max_frames are 0 and 8");
  refused(least + "[score]\nrule = 'exact'\n[columns.answer_is]", "mine/x.toml");
  std::string const open =
      "rows.file = 'r.json'\n[columns]\nvideo = 'v'\nquestion = 'q'\nanswer = 'a'\n";
  refused(open, "columns.options is missing");
  refused(open + "answer_is = 'text'\n[score]\nrule = 'exact'", "columns.answer_is");
  refused(open + "[score]\nrule = 'exact'\n[prompt]\ntext = '{options}'",
          "prompt.text has {options}");
  refused(
      "rows.file = 'r.json'\n[columns]\nvideo = 'v'\nquestion = 'q'\nanswer = ['a', 'b']\n"
      "[score]\nrule = 'exact'",
      "columns.answer names 2 columns");
}
