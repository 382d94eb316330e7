#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/json_file.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/folder.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a missing folder is told from a missing file", "[unit]") {
  test::TemporaryFolder const folder;
  CHECK_THROWS_WITH(checkpoint::read_json(folder / "none/config.json"),
                    ContainsSubstring("none: there is no such folder"));
  CHECK_THROWS_WITH(checkpoint::read_json(folder / "config.json"),
                    ContainsSubstring("config.json: cannot be opened"));
}

TEST_CASE("what is no JSON object, or nested without end, is refused", "[unit]") {
  test::TemporaryFolder const folder;
  std::vector<std::string> const texts{"", "[1]", "{\"a\": ", std::string(200000, '[')};
  for (auto const& text : texts) {
    auto const path = folder.write("config.json", text);
    CHECK_THROWS_WITH(checkpoint::read_json(path), ContainsSubstring("is not a JSON object"));
  }
}
