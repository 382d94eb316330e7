#include <vcflash/data/annotation.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::data;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

std::string const good =
    R"({"id": 7, "video": "a.mp4", "start": 1.5, "end": 3, "conversations": [)"
    R"({"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "Caf\u00e9."}]})";

std::vector<Row> read_annotations(std::filesystem::path const& path) {
  AnnotationFile const file(path);
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < file.size(); ++i) {
    rows.push_back(file.row(i));
    CHECK((file.entry(i).broken != 0) == !rows.back().problem.empty());
    CHECK(file.entry(i).words == (file.entry(i).broken != 0 ? 0 : words_of(rows.back())));
  }
  return rows;
}

std::string problem_of(std::string const& row) {
  test::TemporaryFolder folder;
  auto const rows = read_annotations(folder.write("rows.json", "[" + row + "]"));
  REQUIRE(rows.size() == 1);
  return rows[0].problem;
}

}  // namespace

TEST_CASE("a row keeps its id, media, times and turns, whatever the file's form", "[unit]") {
  test::TemporaryFolder folder;
  for (auto const& path : {folder.write("a.json", "\xEF\xBB\xBF[" + good + "]"),
                           folder.write("b.jsonl", "\r\n" + good + "\r\n\n")}) {
    CAPTURE(path);
    auto const rows = read_annotations(path);
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].problem.empty());
    CHECK(rows[0].id == "7");
    CHECK(rows[0].modality == Modality::video);
    CHECK(rows[0].media == std::vector<std::string>{"a.mp4"});
    CHECK(rows[0].start == 1.5);
    CHECK(rows[0].end == 3.0);
    REQUIRE(rows[0].turns.size() == 2);
    CHECK(rows[0].turns[0] == text::Turn{text::Turn::From::human, "<image>\nWhat?"});
    CHECK(rows[0].turns[1] == text::Turn{text::Turn::From::gpt, "Caf\xC3\xA9."});
  }
}

TEST_CASE("a row of the wrong shape has one problem, which says what was found", "[unit]") {
  std::string const turns = R"("conversations": [{"from": "human", "value": "x"}])";
  CHECK(problem_of("12") == "is a number, not an object");
  CHECK(problem_of("{}") == "has no conversations");
  CHECK(problem_of(R"({"conversations": "x"})") ==
        "has a string as conversations, not a list of turns");
  CHECK_THAT(problem_of(R"({"conversations": []})"), ContainsSubstring("no turns"));
  CHECK_THAT(problem_of(R"({"conversations": [3]})"), ContainsSubstring("a number as turn 0"));
  CHECK_THAT(problem_of(R"({"conversations": [{"from": "human"}]})"), ContainsSubstring("value"));
  CHECK_THAT(problem_of(R"({"conversations": [{"from": "human", "value": null}]})"),
             ContainsSubstring("null in turn 0"));
  CHECK(problem_of(R"({"image": 3, )" + turns + "}") == "has a number as image, not a path");
  CHECK(problem_of(R"({"image": [], )" + turns + "}") == "has an empty list as image");
  CHECK(problem_of(R"({"image": ["a", null], )" + turns + "}") ==
        "has null in its list image, not a path");
  CHECK_THAT(problem_of(R"({"start": "abc", )" + turns + "}"), ContainsSubstring("\"abc\""));
  CHECK_THAT(problem_of(R"({"start": 4, "end": 2, )" + turns + "}"),
             ContainsSubstring("after its end"));
  CHECK_THAT(problem_of(R"({"id": "\ud800", )" + turns + "}"), ContainsSubstring("field id"));
}

TEST_CASE("wrong rows do not disturb the rows after them", "[unit]") {
  test::TemporaryFolder folder;
  auto const rows = read_annotations(folder.write(
      "rows.json", R"([[[{"a": [1, {}]}]], {"video": {"deep": [1]}, "conversations": 3}, )" + good +
                       R"(, {"conversations": [{"from": {"x": 1}, "value": []}]}, )" + good + "]"));
  REQUIRE(rows.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(rows[i].problem.empty() == (i == 2 || i == 4));
  CHECK(rows[4].number == 4);
}

TEST_CASE("a line that is no JSON costs that line", "[unit]") {
  test::TemporaryFolder folder;
  auto const rows =
      read_annotations(folder.write("rows.jsonl", good + "\n{\"id\": \n" + good + " x\n" + good));
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].problem.empty());
  CHECK_THAT(rows[1].problem, ContainsSubstring("not valid JSON"));
  CHECK(rows[1].number == 2);
  CHECK(rows[2].problem == "has text after its object");
  CHECK(rows[3].problem.empty());
}

TEST_CASE("a row of a list that is no JSON costs that row", "[unit]") {
  test::TemporaryFolder folder;
  auto const rows = read_annotations(folder.write(
      "rows.json",
      "[" + good + ", {\"id\" 3}, {\"id\": \"caf\xE9\"}, {\"start\": NaN}, " + good + "]"));
  REQUIRE(rows.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(rows[i].problem.empty() == (i == 0 || i == 4));
  CHECK_THAT(rows[1].problem, ContainsSubstring("not valid JSON"));
  CHECK_THAT(rows[2].problem, ContainsSubstring("not UTF-8"));
}

TEST_CASE("a file that is no list of rows is refused in one sentence", "[unit]") {
  test::TemporaryFolder folder;
  auto const refused = [&](std::string const& name, std::string const& text,
                           std::string const& words) {
    auto const path = folder.write(name, text);
    CHECK_THROWS_MATCHES(
        read_annotations(path), InputError,
        MessageMatches(ContainsSubstring(path.string()) && ContainsSubstring(words)));
  };
  refused("a.json", "", "it is empty");
  refused("b.json", "[]", "holds no row");
  refused("c.json", "{}", "found an object");
  refused("d.json", "[\n" + good + ",\n{\"id\": 3]", "line 3");
  refused("e.json", "[" + good, "not valid JSON");
  refused("f.json", "[" + good + "] [", "text follows");
  refused("j.json", "[" + good + " " + good + "]", "a comma or the end of the list is expected");
  refused("k.json", "[" + good + ",]", "a row does not end");
  refused("l.json", "[,]", "not valid JSON");
  refused("h.jsonl", "\n\n", "holds no row");
  refused("i.txt", good, ".json or .jsonl");
  CHECK_THROWS_MATCHES(read_annotations(folder / "none.json"), InputError,
                       MessageMatches(ContainsSubstring("no such file")));
  CHECK_THROWS_AS(read_annotations(folder.write("deep.json", std::string(50000, '['))), InputError);
}
