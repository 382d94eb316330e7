#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <tests/support/folder.hpp>
#include <vcflash/media/byte_source.hpp>

using namespace vcflash;
using namespace vcflash::media;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string read(ByteSource const& source, std::int64_t at, std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  bytes.resize(source.read_at(at, bytes));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("a file's bytes are read at any place, up to its end", "[unit]") {
  test::TemporaryFolder const folder;
  StoredFile const file(folder.write("bytes", "0123456789"));
  CHECK(file.size() == 10);
  CHECK(read(file, 3, 4) == "3456");
  CHECK(read(file, 8, 4) == "89");
  CHECK(read(file, 10, 4).empty());
}

TEST_CASE("what is no file is said, and a pipe is not waited for", "[unit]") {
  test::TemporaryFolder const folder;
  CHECK_THROWS_WITH(StoredFile(folder / "none"), ContainsSubstring("none: no such file"));
  CHECK_THROWS_WITH(StoredFile(folder.path()), ContainsSubstring("not a file"));
  REQUIRE(std::system(("mkfifo '" + (folder / "pipe").string() + "'").c_str()) == 0);
  CHECK_THROWS_WITH(StoredFile(folder / "pipe"), ContainsSubstring("pipe: not a file"));
}

TEST_CASE("a file that becomes shorter is an error, not an end", "[unit]") {
  test::TemporaryFolder const folder;
  auto const path = folder.write("bytes", "0123456789");
  StoredFile const file(path);
  std::filesystem::resize_file(path, 4);
  CHECK(read(file, 0, 4) == "0123");
  CHECK_THROWS_AS(read(file, 2, 4), ReadError);
  CHECK_THROWS_WITH(read(file, 6, 2), ContainsSubstring("was cut off while it was in use"));
}
