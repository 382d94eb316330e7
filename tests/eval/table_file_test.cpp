#include <vcflash/eval/table_file.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <string>

#include <vcflash/base/error.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;
using nlohmann::ordered_json;
using vcflash::test::TemporaryFolder;

TEST_CASE("rows are a list, lie under a key, or are an object a line", "[unit]") {
  TemporaryFolder const folder;
  auto const list = read_table(folder.write("a.json", R"([{"n": 1}, {"n": "2"}])"));
  REQUIRE(list.size() == 2);
  CHECK(list[1].cells == ordered_json{{"n", "2"}});
  CHECK(list[1].where == "row 2");
  auto const under =
      read_table(folder.write("b.json", R"({"data": {"rows": [{"n": 3}]}})"), "data.rows");
  REQUIRE(under.size() == 1);
  CHECK(under[0].cells["n"] == 3);
  auto const lines = read_table(folder.write("c.jsonl", "\xEF\xBB\xBF{\"n\": 4}\n\n{\"n\": 5}"));
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].where == "line 3");
  CHECK(lines[1].cells["n"] == 5);
}

TEST_CASE("cells in quotes hold separators, line breaks and quotes", "[unit]") {
  TemporaryFolder const folder;
  auto const rows = read_table(
      folder.write("a.csv", "id,text\r\n1,\"a, \"\"b\"\"\nc\"\r\n\r\n2,plain \"x\"\n3,"));
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].cells == ordered_json{{"id", "1"}, {"text", "a, \"b\"\nc"}});
  CHECK(rows[1].cells["text"] == "plain \"x\"");
  CHECK(rows[1].where == "line 5");
  CHECK(rows[2].cells["text"] == "");
  auto const tabs = read_table(folder.write("b.tsv", "a\tb\nx, y\tz\n"));
  CHECK(tabs[0].cells == ordered_json{{"a", "x, y"}, {"b", "z"}});
}

TEST_CASE("a file that is no table is refused by its name and line", "[unit]") {
  TemporaryFolder const folder;
  auto const refused = [&](std::string const& name, std::string const& text, std::string const& say,
                           std::string const& list = "") {
    INFO(name << ": " << text);
    CHECK_THROWS_WITH(read_table(folder.write(name, text), list),
                      ContainsSubstring(name) && ContainsSubstring(say));
  };
  refused("a.json", "[{\"n\": 1},\n{\"n\": }]", "line 2 is not JSON");
  refused("a.json", "{\"rows\": []}", "rows.list");
  refused("a.json", "{\"rows\": 3}", "\"rows\" holds a number", "rows");
  refused("a.json", "{}", "\"rows\" holds nothing", "rows");
  refused("a.json", "[{}, 3]", "row 2 is a number");
  refused("a.json", "[1e999]", "too large");
  refused("a.jsonl", "{}\n{\"a\": \n", "line 2 is not JSON");
  refused("a.jsonl", "[]\n", "line 1 is a list");
  refused("a.csv", "a,b\n1\n", "line 2 has 1 cells; the first line names 2 columns");
  refused("a.csv", "a,b\n1,\"x\n", "line 2 begins a cell in quotes");
  refused("a.csv", "a\n\xFF\n", "line 2 is not UTF-8");
  refused("a.parquet", "", ".jsonl");
  CHECK_THROWS_AS(read_table(folder / "none.json"), vcflash::InputError);
  std::filesystem::create_directories(folder / "d.json");
  CHECK_THROWS_AS(read_table(folder / "d.json"), vcflash::InputError);
}

TEST_CASE("a cell is found by its key, or by the keys on the way to it", "[unit]") {
  ordered_json const row{{"a", {{"b", 1}}}, {"c.d", 2}, {"e", nullptr}};
  CHECK(*find_cell(row, "a.b") == 1);
  CHECK(*find_cell(row, "c.d") == 2);
  CHECK(find_cell(row, "e") == nullptr);
  CHECK(find_cell(row, "a.x") == nullptr);
  CHECK(find_cell(row, "c.d.e") == nullptr);
}
