#include <vcflash/app/make_shapes_main.hpp>

#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/program.hpp"

namespace {

int make_shapes(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "make-shapes");
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  return vcflash::app::make_shapes_main(static_cast<int>(pointers.size()), pointers.data());
}

}  // namespace

TEST_CASE("make-shapes ends with 0 done, 1 failed, 2 wrong usage or input", "[unit]") {
  vcflash::test::TemporaryFolder folder;
  CHECK(make_shapes({"--help"}) == 0);
  CHECK(make_shapes({"--version"}) == 0);
  CHECK(make_shapes({}) == 2);
  CHECK(make_shapes({"--out", (folder / "a").string(), "--clips", "many"}) == 2);
  CHECK(make_shapes({"--out", (folder / "a").string(), "--clips", "1"}) == 2);
  CHECK(make_shapes({"--out", folder.write("file", "x").string(), "--clips", "2"}) == 1);
  CHECK(make_shapes({"--out", (folder / "b").string(), "--clips", "2", "--held-out", "10"}) == 0);
  CHECK(std::filesystem::exists(folder / "b/stage4.yaml"));
}

TEST_CASE("make-shapes counts what was asked for, and says what grew from it", "[unit]") {
  using namespace vcflash;
  test::TemporaryFolder folder;
  auto const out = (folder / "shapes").string();
  auto const made =
      test::run_program({"make-shapes", "--out", out, "--clips", "2", "--held-out", "10"});
  REQUIRE(made.exit_code == 0);
  std::ptrdiff_t films = 0;
  for (auto const* const seconds : {"4s", "8s", "16s"}) {
    std::filesystem::directory_iterator const clips(folder / "shapes/clips" / seconds);
    films += std::distance(begin(clips), end(clips));
  }
  CHECK_THAT(made.output, Catch::Matchers::StartsWith(out + ": 2 training clips in " +
                                                      std::to_string(films) + " films"));
  CHECK_THAT(made.output, Catch::Matchers::ContainsSubstring("; 10 held-out clips, "));
}
