#include <vcflash/app/machine.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;

TEST_CASE("a machine is named by its cores", "[unit]") {
  CHECK_THAT(app::machine_name(), Catch::Matchers::ContainsSubstring("core"));
}

TEST_CASE("a folder is made with those above it, or refused by name", "[unit]") {
  test::TemporaryFolder const folder;
  app::make_folder(folder / "a/b/c");
  CHECK(std::filesystem::is_directory(folder / "a/b/c"));
  folder.write("file", "x");
  CHECK_THROWS_WITH(app::make_folder(folder / "file/b"),
                    Catch::Matchers::ContainsSubstring("file/b"));
}
