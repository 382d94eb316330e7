#include <vcflash/train/folder_lock.hpp>

#include <unistd.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <vcflash/base/error.hpp>

#include "tests/support/folder.hpp"

using vcflash::train::FolderLock;

TEST_CASE("a folder that is locked is refused, naming who has it, and free afterwards", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  {
    FolderLock const lock(folder.path());
    CHECK_THROWS_MATCHES(
        FolderLock(folder.path()), vcflash::Error,
        Catch::Matchers::MessageMatches(Catch::Matchers::ContainsSubstring(
            folder.path().string() + ": process " + std::to_string(::getpid()) + " on ")));
  }
  CHECK_NOTHROW(FolderLock(folder.path()));
}
