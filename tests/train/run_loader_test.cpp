#include <vcflash/train/run_loader.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/checkpoint/small_recipe.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

TEST_CASE("a run's samples come in its order, and again after going back", "[unit]") {
  using R = test::SmallRecipe<VisualPretraining>;
  test::TemporaryFolder const folder;
  std::string rows;
  for (int i = 0; i < 5; ++i) {
    rows += R"({"id": ")" + std::to_string(i) +
            R"(", "conversations": [{"from": "human", "value": "a"}, )"
            R"({"from": "gpt", "value": ")" +
            std::string(static_cast<std::size_t>(i) + 1, 'b') + "\"}]}\n";
  }
  folder.write("rows.jsonl", rows);
  auto const mixture = folder.write(
      "mix.yaml", "datasets:\n  - json_path: rows.jsonl\n    sampling_strategy: all\n");
  auto run = train::default_config<R>();
  train::overlay_setting(run, "data.order=mixture");
  std::vector<std::string> bad;
  train::RunLoader loader(
      run, encoder_facts<R::Encoder>(), mixture, {},
      text::Tokenizer::from_folder(test::golden_folder("data/tokenizer/tiny512")),
      [&](std::string const& sentence) { bad.push_back(sentence); });
  CHECK(loader.batches_per_epoch() == 5);
  CHECK(loader.rows() == 5);
  auto const start = loader.position();
  auto const first = loader.next(), second = loader.next();
  REQUIRE(first.size() == 1);
  CHECK_FALSE(first[0].input_ids.equal(second[0].input_ids));
  loader.seek(start);
  CHECK(loader.next()[0].input_ids.equal(first[0].input_ids));
  CHECK(bad.empty());
  CHECK(loader.bad_samples() == 0);

  auto const fingerprint = [&] {
    return train::RunLoader(
               run, encoder_facts<R::Encoder>(), mixture, {},
               text::Tokenizer::from_folder(test::golden_folder("data/tokenizer/tiny512")), {})
        .fingerprint();
  };
  auto const before = loader.fingerprint();
  CHECK(fingerprint() == before);
  auto other = rows;
  other.replace(other.find("bb"), 2, "bc");
  folder.write("rows.jsonl", other);
  CHECK(fingerprint() != before);
}
