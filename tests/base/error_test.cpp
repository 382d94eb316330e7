#include <vcflash/base/error.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace vcflash;

TEST_CASE("a failure is one sentence, written from its parts", "[unit]") {
  try {
    fail<InputError>("clip.mp4: holds ", 3, " frames, expected ", 4);
    FAIL("nothing was thrown");
  } catch (InputError const& error) {
    CHECK(std::string(error.what()) == "clip.mp4: holds 3 frames, expected 4");
    CHECK(error.exit_code == 2);
  }
}

TEST_CASE("a failure that is not the user's ends a program with 1", "[unit]") {
  CHECK_THROWS_AS(fail("the disk is full"), Error);
  STATIC_CHECK(Error::exit_code == 1);
}

TEST_CASE("of what an exception says the first line is told", "[unit]") {
  CHECK(first_line("no memory\nException raised from malloc\nframe #0") == "no memory");
  CHECK(first_line("no memory") == "no memory");
  CHECK(first_line("").empty());
}
