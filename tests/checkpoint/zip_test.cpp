#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <span>
#include <string>
#include <vcflash/checkpoint/zip.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::checkpoint;

namespace {

std::string archive(test::TemporaryFolder const& folder) {
  ZipWriter writer(folder / "a.zip");
  writer.add("a/one", "first");
  writer.add("a/none", "");
  writer.add("a/two", std::string(1000, 'x'));
  writer.commit();
  return test::read_file(folder / "a.zip");
}

}  // namespace

TEST_CASE("records of a written archive are read back, aligned to 64 bytes", "[unit]") {
  test::TemporaryFolder const folder;
  auto const bytes = archive(folder);
  auto const view = std::as_bytes(std::span(bytes));
  auto const records = read_zip(view);
  REQUIRE(records.size() == 3);
  for (auto const& [name, content] : records) {
    CHECK((content.data() - view.data()) % 64 == 0);
  }
  CHECK(records.at("a/one").size() == 5);
  CHECK(records.at("a/none").empty());
  CHECK(std::to_integer<char>(records.at("a/two")[999]) == 'x');
}

TEST_CASE("every cut of an archive is refused", "[unit]") {
  test::TemporaryFolder const folder;
  auto const bytes = archive(folder);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    auto const cut = bytes.substr(0, length);
    CHECK_THROWS_AS(read_zip(std::as_bytes(std::span(cut))), InputError);
  }
}

TEST_CASE("an archive with any byte changed is read or refused, and never read past its end",
          "[unit]") {
  test::TemporaryFolder const folder;
  auto bytes = archive(folder);
  std::size_t refused = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (char const flip : {'\x01', '\x80', '\xff'}) {
      bytes[at] ^= flip;
      try {
        auto const view = std::as_bytes(std::span(bytes));
        for (auto const& [name, content] : read_zip(view)) {
          CHECK(content.data() >= view.data());
          CHECK(content.data() + content.size() <= view.data() + view.size());
        }
      } catch (InputError const&) {
        ++refused;
      }
      bytes[at] ^= flip;
    }
  }
  CHECK(refused > 0);
}
