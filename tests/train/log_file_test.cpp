#include <vcflash/train/log_file.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/checkpoint/full_disk.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using train::LogFile;

TEST_CASE("a log on a full disk is told once and ends nothing", "[unit]") {
  std::vector<std::string> warnings;
  LogFile log("/dev/full", [&](std::string const& sentence) { warnings.push_back(sentence); });
  log.append("one\n");
  log.append("two\n");
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], ContainsSubstring("/dev/full: cannot be written now (No space left"));
  CHECK(log.waiting() == 8);
}

TEST_CASE("what a full disk did not take of a log is there when there is room, once and in order",
          "[unit]") {
  test::TemporaryFolder const folder;
  int warnings = 0;
  LogFile log(folder / "logs/a.txt", [&](std::string const&) { ++warnings; });
  log.append("first\n");
  {
    test::FullDisk const full(9);  // takes half of the second line
    log.append("second\n");
    log.append("third\n");
    CHECK(test::read_file(folder / "logs/a.txt") == "first\nsec");
  }
  CHECK(warnings == 1);
  log.append("fourth\n");
  CHECK(test::read_file(folder / "logs/a.txt") == "first\nsecond\nthird\nfourth\n");
  CHECK(log.waiting() == 0);
  test::FullDisk const again(9);
  log.append("fifth\n");
  CHECK(warnings == 2);
}
