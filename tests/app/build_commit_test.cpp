#include <vcflash/app/build_commit.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cctype>
#include <filesystem>
#include <string_view>

#include "tests/support/golden.hpp"

TEST_CASE("programs know the commit that they are compiled from", "[unit]") {
  std::string_view commit = vcflash::app::build_commit();
  if (!std::filesystem::exists(vcflash::test::source_root() / ".git")) SKIP("a tree without git");
  if (commit.ends_with('+')) commit.remove_suffix(1);
  CHECK(commit.size() >= 12);
  CHECK(std::ranges::all_of(commit, [](unsigned char c) { return std::isxdigit(c); }));
}
