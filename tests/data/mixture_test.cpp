#include <vcflash/data/mixture.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash;
using namespace vcflash::data;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

std::vector<std::string> media_of(nlohmann::json const& sample) {
  for (char const* key : {"image", "video"})
    if (sample.contains(key))
      return sample.at(key).is_array() ? sample.at(key).get<std::vector<std::string>>()
                                       : std::vector{sample.at(key).get<std::string>()};
  return {};
}

/// The golden file holds halves of surrogate pairs, which are no text.
nlohmann::json expectations() {
  auto text = test::golden_text("data/data_yaml/expected.json");
  for (auto at = text.find("\\ud8"); at != text.npos; at = text.find("\\ud8", at + 6))
    if (text.compare(at + 6, 2, "\\u") != 0) text.replace(at, 6, "\\ufffd");
  return nlohmann::json::parse(text);
}

void check_same(Mixture const& mixture, nlohmann::json const& expected) {
  auto const& samples = expected.at("samples");
  REQUIRE(mixture.rows.size() == expected.at("total").get<std::size_t>());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    CAPTURE(i);
    Row const& row = mixture.rows[i];
    CHECK(row.media == media_of(samples[i]));
    if (samples[i].at("_n_turns").is_number())
      CHECK(row.turns.size() == samples[i].at("_n_turns").get<std::size_t>());
    for (auto const& [key, value] : {std::pair("start", row.start), std::pair("end", row.end)})
      if (samples[i].contains(key)) CHECK(value == samples[i].at(key).get<double>());
    if (expected.contains("modality_lengths"))
      CHECK(modality_length(row) == expected.at("modality_lengths")[i].get<std::int64_t>());
  }
  auto const& sets = expected.at("per_dataset");
  REQUIRE(mixture.sets.size() == sets.size());
  for (std::size_t i = 0; i < sets.size(); ++i) {
    CHECK(mixture.sets[i].json_path == sets[i].at("json_path"));
    CHECK(mixture.sets[i].count == sets[i].at("count"));
    CHECK(mixture.sets[i].data_root == sets[i].at("data_root"));
    CHECK(name_of(*mixture.sets[i].media_type) == sets[i].at("media_type").get<std::string>());
  }
}

}  // namespace

TEST_CASE("mixtures give upstream's samples, and wrong ones are refused or left out", "[golden]") {
  auto const golden = expectations();
  auto const folder = test::golden_folder("data/data_yaml");
  for (auto const& expected : golden.at("cases")) {
    auto const yaml = expected.at("yaml").get<std::string>();
    auto const sane = expected.contains("sane") && expected.at("sane").is_string()
                          ? expected.at("sane").get<std::string>()
                          : "";
    CAPTURE(yaml, sane);
    auto const says = [&](char const* word) { return sane.find(word) != sane.npos; };
    bool const strict = expected.at("ok").get<bool>() && !says("reject") && !says("error") &&
                        !says("fails") && !says("unknown");
    bool refused = false;
    try {
      auto const mixture = read_mixture(folder / yaml, {.allow_outside = true});
      if (strict) check_same(mixture, expected);
      refused = !mixture.broken.empty();
      for (auto const& broken : mixture.broken) CHECK_FALSE(broken.problem.empty());
    } catch (InputError const& error) {
      CHECK_FALSE(strict);
      CHECK_THAT(error.what(), ContainsSubstring(".yaml") || ContainsSubstring(".json") ||
                                   ContainsSubstring(yaml));
      refused = true;
    }
    if (!expected.at("ok").get<bool>() && !sane.starts_with("may")) CHECK(refused);
  }
}

TEST_CASE("media may leave their data_root only if allowed", "[unit]") {
  test::TemporaryFolder folder;
  std::string const turns = R"("conversations": [{"from": "human", "value": "<image>"}])";
  folder.write("media/in.png", "x");
  folder.write("rows.jsonl", R"({"image": "in.png", )" + turns + "}\n" +
                                 R"({"image": "../out.png", )" + turns + "}\n" +
                                 R"({"image": "/etc/passwd", )" + turns + "}\n");
  auto const yaml =
      folder.write("mix.yaml", "datasets: [{json_path: rows.jsonl, data_root: media}]");
  auto const strict = read_mixture(yaml);
  CHECK(strict.rows.size() == 1);
  REQUIRE(strict.broken.size() == 2);
  CHECK_THAT(strict.broken[0].sentence(),
             ContainsSubstring("row 2 ") && ContainsSubstring("../out.png"));
  CHECK(read_mixture(yaml, {.allow_outside = true}).rows.size() == 3);
  CHECK(std::filesystem::equivalent(strict.file_of(strict.rows[0].media[0]),
                                    folder / "media/in.png"));
}

TEST_CASE("a mixture without its media is refused, naming the last that was tried", "[unit]") {
  test::TemporaryFolder folder;
  folder.write("rows.jsonl", R"({"video": "no.mp4", "conversations": [)"
                             R"({"from": "human", "value": "<image>"}]})");
  auto const yaml = folder.write("mix.yaml", "datasets: [{json_path: rows.jsonl}]");
  CHECK_THROWS_MATCHES(
      read_mixture(yaml), InputError,
      MessageMatches(ContainsSubstring("no.mp4") && ContainsSubstring("data_root")));
}

TEST_CASE("words are counted as Python splits them", "[unit]") {
  Row row;
  row.turns = {{text::Turn::From::human, "  two\twords\n"},
               {text::Turn::From::gpt, "one\xE3\x80\x80two\xC2\xA0three caf\xC3\xA9"}};
  CHECK(words_of(row) == 6);
  CHECK(modality_length(row) == -6);
}
