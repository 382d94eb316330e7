#include <vcflash/data/mapped_file.hpp>

#include <algorithm>
#include <filesystem>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::data;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

TEST_CASE("a file is memory with zeros behind it, whatever its size", "[unit]") {
  test::TemporaryFolder folder;
  for (std::size_t const size : {0, 1, 4095, 4096, 4097, 100'000}) {
    CAPTURE(size);
    std::string const text(size, 'x');
    MappedFile const file(folder.write("file", text));
    CHECK(file.bytes() == text);
    auto const* const end = file.bytes().data() + size;
    CHECK(std::all_of(end, end + MappedFile::padding, [](char c) { return c == 0; }));
    file.release(0, size);
    CHECK(file.bytes() == text);
    CHECK_NOTHROW(file.require_whole());
  }
}

TEST_CASE("a file that cannot be read, or was cut off, is named", "[unit]") {
  test::TemporaryFolder folder;
  CHECK_THROWS_MATCHES(MappedFile(folder / "none"), InputError,
                       MessageMatches(ContainsSubstring("none: the file cannot be read (there is "
                                                        "no such file)")));
  CHECK_THROWS_MATCHES(MappedFile(folder.path()), InputError,
                       MessageMatches(ContainsSubstring("is not a file")));
  auto const path = folder.write("file", "long enough");
  MappedFile const file(path);
  std::filesystem::resize_file(path, 3);
  CHECK_THROWS_MATCHES(file.require_whole(), InputError,
                       MessageMatches(ContainsSubstring("was cut off")));
}
