#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/atomic.hpp>

#include "tests/checkpoint/full_disk.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using checkpoint::AtomicFile, checkpoint::StagedFolder, checkpoint::write_file;

namespace {

std::size_t entries_of(std::filesystem::path const& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST_CASE("a file keeps its old content until the new one is committed", "[unit]") {
  test::TemporaryFolder const folder;
  auto const path = folder.write("a.txt", "old");
  {
    AtomicFile file(path);
    file.write("ne");
    file.write("w");
    CHECK(test::read_file(path) == "old");
    file.commit();
  }
  CHECK(test::read_file(path) == "new");
  CHECK(entries_of(folder.path()) == 1);
}

TEST_CASE("a file that was not committed leaves nothing behind", "[unit]") {
  test::TemporaryFolder const folder;
  auto const path = folder.write("a.txt", "old");
  { AtomicFile(path).write("new"); }
  CHECK(test::read_file(path) == "old");
  CHECK(entries_of(folder.path()) == 1);
}

TEST_CASE("a full disk is one sentence and leaves the old file", "[unit]") {
  test::TemporaryFolder const folder;
  auto const path = folder.write("a.txt", "old");
  {
    test::FullDisk const full(1000);
    CHECK_THROWS_MATCHES(write_file(path, std::string(2000, 'x')), Error,
                         MessageMatches(ContainsSubstring("a.txt: cannot be written (") &&
                                        ContainsSubstring("what was there before is unchanged.")));
  }
  CHECK(test::read_file(path) == "old");
  CHECK(entries_of(folder.path()) == 1);
}

TEST_CASE("a file in a folder that does not exist is refused", "[unit]") {
  test::TemporaryFolder const folder;
  CHECK_THROWS_AS(write_file(folder / "no/such/file", "x"), Error);
}

TEST_CASE("a staged folder takes the place of the old one as a whole", "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("run/old.txt", "old");
  folder.write("run/both.txt", "old");
  StagedFolder staged(folder / "run/");
  std::filesystem::create_directory(staged.path() / "sub");
  write_file(staged.path() / "both.txt", "new");
  write_file(staged.path() / "sub/new.txt", "new");
  CHECK(test::read_file(folder / "run/both.txt") == "old");
  staged.commit();
  CHECK(test::read_file(folder / "run/both.txt") == "new");
  CHECK(test::read_file(folder / "run/sub/new.txt") == "new");
  CHECK_FALSE(std::filesystem::exists(folder / "run/old.txt"));
}

TEST_CASE("a staged folder can be new, several levels deep", "[unit]") {
  test::TemporaryFolder const folder;
  {
    StagedFolder staged(folder / "a/b/c");
    write_file(staged.path() / "x", "1");
    staged.commit();
  }
  CHECK(test::read_file(folder / "a/b/c/x") == "1");
  CHECK(entries_of(folder / "a/b") == 1);
}

TEST_CASE("staged files can join those of their target", "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("run/kept.txt", "old");
  folder.write("run/both.txt", "old");
  {
    StagedFolder staged(folder / "run");
    write_file(staged.path() / "both.txt", "new");
    staged.commit_into();
  }
  CHECK(test::read_file(folder / "run/kept.txt") == "old");
  CHECK(test::read_file(folder / "run/both.txt") == "new");
  CHECK(entries_of(folder.path()) == 1);
}

TEST_CASE("files that the staged ones replace under another name go last", "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("run/kept.txt", "old");
  folder.write("run/a.data", "old");
  folder.write("run/b.data", "old");
  StagedFolder staged(folder / "run", StagedFolder::Place::inside);
  write_file(staged.path() / "b.data", "new");
  staged.commit_into([](std::string_view name) { return name.ends_with(".data"); });
  CHECK(test::read_file(folder / "run/kept.txt") == "old");
  CHECK(test::read_file(folder / "run/b.data") == "new");
  CHECK_FALSE(std::filesystem::exists(folder / "run/a.data"));
}

TEST_CASE("an uncommitted folder leaves its target, and debris of a dead writer is cleared",
          "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("run/a.txt", "old");
  folder.write(".run.partial/debris", "half");
  {
    StagedFolder const staged(folder / "run");
    CHECK(entries_of(staged.path()) == 0);
    write_file(staged.path() / "a.txt", "new");
  }
  CHECK(test::read_file(folder / "run/a.txt") == "old");
  CHECK(entries_of(folder.path()) == 1);
}
