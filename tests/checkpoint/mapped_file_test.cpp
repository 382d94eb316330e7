#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <vcflash/checkpoint/mapped_file.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using checkpoint::MappedFile;

TEST_CASE("a mapped file gives the file's bytes, and writing to them leaves the file alone",
          "[unit]") {
  test::TemporaryFolder const folder;
  auto const path = folder.write("a.bin", "hello");
  MappedFile const file(path);
  REQUIRE(file.bytes().size() == 5);
  CHECK(std::to_integer<char>(file.bytes()[1]) == 'e');
  file.bytes()[0] = std::byte{'j'};
  CHECK(test::read_file(path) == "hello");
}

TEST_CASE("the mapping lives as long as somebody holds it", "[unit]") {
  test::TemporaryFolder const folder;
  auto const mapping = MappedFile(folder.write("a.bin", "hello")).mapping();
  CHECK(std::to_integer<char>(*mapping) == 'h');
}

TEST_CASE("an empty file has no bytes", "[unit]") {
  test::TemporaryFolder const folder;
  CHECK(MappedFile(folder.write("empty", "")).bytes().empty());
}

TEST_CASE("a pipe is refused, and not waited for", "[unit]") {
  test::TemporaryFolder const folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_MATCHES(MappedFile(folder / "pipe"), InputError,
                       MessageMatches(ContainsSubstring("pipe: is not a regular file")));
}

TEST_CASE("a missing file and a folder are refused by name", "[unit]") {
  test::TemporaryFolder const folder;
  CHECK_THROWS_MATCHES(MappedFile(folder / "none.bin"), InputError,
                       MessageMatches(ContainsSubstring("none.bin: cannot be opened")));
  CHECK_THROWS_MATCHES(MappedFile(folder.path()), InputError,
                       MessageMatches(ContainsSubstring("is not a regular file")));
}
