#include <vcflash/data/padded_text.hpp>

#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::data;

TEST_CASE("a piece of a file is text with zeros behind it", "[unit]") {
  test::TemporaryFolder const folder;
  media::StoredFile const file(folder.write("text", "0123456789"));
  CHECK(padded_text(file, 3, 4) == "3456" + std::string(text_padding, '\0'));
  CHECK_THROWS_AS(padded_text(file, 8, 4), InputError);
}
