#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <tests/support/folder.hpp>
#include <vcflash/text/json_file.hpp>

using namespace vcflash;
using namespace vcflash::test;
using namespace vcflash::text::detail;
using Catch::Matchers::EndsWith;

TEST_CASE("a value of the wrong kind is named by the way to it", "[unit]") {
  std::filesystem::path const file = "some.json";
  std::string const bytes = R"({"a": {"b": [1, "x", null, 0.5, true]}, "id": 70000000})";
  simdjson::dom::parser parser;
  auto const root = parsed(file, bytes, parser);
  auto const list = root.at("a").at("b");
  CHECK_THROWS_WITH(list.object(), "some.json: a.b is an array, but an object is expected");
  CHECK_THROWS_WITH(list.item(list.array().at(1), 1).flag(),
                    "some.json: a.b[1] is a string, but true or false is expected");
  CHECK_THROWS_WITH(root.at("a").at("c"), "some.json: c is missing in a");
  CHECK_THROWS_WITH(root.at("none"), "some.json: none is missing");
  CHECK_THROWS_WITH(root.text(), "some.json: the whole is an object, but a string is expected");
  CHECK_THROWS_WITH(root.at("id").token_id(),
                    "some.json: id is 70000000, but an id from 0 to 4194303 is expected");
  CHECK_THROWS_WITH(list.item(list.array().at(3), 3).token_id(),
                    "some.json: a.b[3] is a fraction, but a token id is expected");
  CHECK_THROWS_WITH(list.item(list.array().at(4), 4).only(false, "false"),
                    "some.json: a.b[4] is true, but false is expected");
  CHECK(list.item(list.array().at(0), 0).token_id() == 1);
  CHECK_FALSE(root.find("none"));
  CHECK(root.flag("none", true));
}

TEST_CASE("a file comes back as it was written, or its name is said", "[unit]") {
  TemporaryFolder const folder;
  std::string const bytes("\0a\r\n\xFF", 5);
  write_whole(folder / "file", bytes);
  CHECK(read_whole(folder / "file") == bytes);
  CHECK_THROWS_AS(read_whole(folder / "none"), InputError);
  CHECK_THROWS_AS(read_whole(folder.path()), InputError);
  CHECK_THROWS_AS(write_whole(folder / "none/file", bytes), Error);
  CHECK_THROWS_AS(write_whole("/dev/full", bytes), Error);
}
