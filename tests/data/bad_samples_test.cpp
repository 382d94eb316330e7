#include <vcflash/data/bad_samples.hpp>

#include <chrono>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::data;

TEST_CASE("what was given up is known again, under the same limit only", "[unit]") {
  test::TemporaryFolder const folder;
  media::TimeLimit const limit(std::chrono::seconds(30), 0.5);
  BadSampleFile const file(folder / "bad.jsonl", limit);
  CHECK(file.given_up().empty());
  file.add({.id = "1", .file = "slow.mp4", .row = 3, .reason = "slow", .given_up = true});
  file.add({.id = "2", .file = "broken.mp4", .row = 4, .reason = "broken"});
  folder.write("torn.jsonl", test::read_file(folder / "bad.jsonl") + "{\"file\": 3}\n{\"fi");
  for (char const* name : {"bad.jsonl", "torn.jsonl"})
    CHECK(BadSampleFile(folder / name, limit).given_up() == std::set<std::string>{"slow.mp4"});
  CHECK(BadSampleFile(folder / "bad.jsonl", std::chrono::hours(1)).given_up().empty());
  GivenUp media(file.given_up());
  CHECK(media.contains("slow.mp4"));
  CHECK_FALSE(media.contains("other.mp4"));
  media.add("other.mp4");
  CHECK(media.contains("other.mp4"));
}
