#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <span>
#include <string>
#include <vcflash/checkpoint/safetensors_header.hpp>
#include <vector>

using namespace vcflash;
using namespace vcflash::checkpoint;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

std::vector<SafetensorsEntry> const entries{{"b", "F32", {2, 3}, 0, 24}, {"a", "U8", {3}, 24, 27}};

SafetensorsHeader header_of(std::string const& file) {
  return read_safetensors_header(std::as_bytes(std::span(file)), "x.safetensors");
}

}  // namespace

TEST_CASE("a written header is read back", "[unit]") {
  auto const file = write_safetensors_header(entries, {{"format", "pt"}}) + std::string(27, '\0');
  auto const header = header_of(file);
  CHECK(header.data_begin % 8 == 0);
  CHECK(header.metadata.at("format") == "pt");
  REQUIRE(header.entries.size() == 2);
  CHECK(header.entries[0].name == "b");
  CHECK(header.entries[0].shape == std::vector<std::int64_t>{2, 3});
  CHECK(header.entries[1].dtype == "U8");
  CHECK(header.entries[1].end == 27);
}

TEST_CASE("a header is written without spaces and padded with blanks", "[unit]") {
  auto const text = write_safetensors_header(std::span(entries).first(1), {}).substr(8);
  CHECK(text ==
        R"({"b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})" + std::string(7, ' '));
}

TEST_CASE("every cut of a sound file is refused", "[unit]") {
  auto const file = write_safetensors_header(entries, {{"format", "pt"}}) + std::string(27, '\0');
  for (std::size_t length = 0; length < file.size(); ++length) {
    CHECK_THROWS_AS(header_of(file.substr(0, length)), InputError);
  }
  CHECK_THROWS_AS(header_of(file + '\0'), InputError);
}

TEST_CASE("a refusal names the file, the tensor and what was found", "[unit]") {
  auto bad = entries;
  bad[0].dtype = "F31";
  CHECK_THROWS_MATCHES(
      header_of(write_safetensors_header(bad, {}) + std::string(27, '\0')), InputError,
      MessageMatches(ContainsSubstring("x.safetensors: ") && ContainsSubstring("'b'") &&
                     ContainsSubstring("the unknown dtype 'F31'")));
}
