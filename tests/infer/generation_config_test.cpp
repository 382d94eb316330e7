#include <vcflash/infer/generation_config.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash::infer;

TEST_CASE("published folders draw as they say", "[golden]") {
  using vcflash::test::golden_json;
  vcflash::test::TemporaryFolder const folder;
  for (std::string const name :
       {"qwen2-7b", "videochat-flash-qwen2_5-2b_res448", "videochat-flash-qwen2_5-7b-1m_res224"}) {
    CAPTURE(name);
    auto const published = golden_json("manifests/configs/" + name + ".generation_config.json");
    REQUIRE(published.at("do_sample") == true);
    folder.write("generation_config.json", published.dump());
    auto const config = generation_config_of(folder.path());
    auto const& sampling = config.sampling;
    CHECK(published.at("eos_token_id").get<std::vector<std::int64_t>>() == config.stop_ids);
    CHECK(config.ignored.empty());
    CHECK(published.at("temperature") == sampling.temperature);
    CHECK(published.at("top_p") == sampling.top_p);
    CHECK(published.at("top_k") == sampling.top_k);
    CHECK(published.at("repetition_penalty") == sampling.repetition_penalty);
  }
}

TEST_CASE("a folder's generation_config.json gives the defaults", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  CHECK(sampling_of(folder.path()).plain());
  folder.write("generation_config.json", R"({"do_sample": true, "temperature": 0.7, "top_p": 0.8,
    "top_k": 20, "repetition_penalty": 1.05})");
  auto const qwen = sampling_of(folder.path());
  CHECK(qwen.temperature == 0.7);
  CHECK(qwen.top_p == 0.8);
  CHECK(qwen.top_k == 20);
  CHECK(qwen.repetition_penalty == 1.05);
  folder.write("generation_config.json", R"({"do_sample": false, "temperature": 0.7})");
  CHECK(sampling_of(folder.path()).plain());
  folder.write("generation_config.json", R"({"repetition_penalty": "much"})");
  CHECK_THROWS_WITH(sampling_of(folder.path()),
                    Catch::Matchers::ContainsSubstring("generation_config.json"));
  folder.write("generation_config.json", R"({"repetition_penalty": 0})");
  CHECK_THROWS_AS(sampling_of(folder.path()), vcflash::InputError);
}

TEST_CASE("a folder says how long answers are and what ends them", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  CHECK(generation_config_of(folder.path()).max_new_tokens == 512);
  folder.write("generation_config.json", R"({"eos_token_id": 7, "max_new_tokens": 40,
    "do_sample": true, "min_p": 0.1, "stop_strings": "###", "no_repeat_ngram_size": 3,
    "num_beams": null})");
  auto const one = generation_config_of(folder.path());
  CHECK(one.stop_ids == std::vector<std::int64_t>{7});
  CHECK(one.max_new_tokens == 40);
  CHECK(one.sampling.min_p == 0.1);
  CHECK(one.stop_texts == std::vector<std::string>{"###"});
  CHECK(one.ignored == std::vector<std::string>{"no_repeat_ngram_size"});
  folder.write("generation_config.json", R"({"eos_token_id": [7, 9], "stop_strings": ["a", "b"]})");
  auto const several = generation_config_of(folder.path());
  CHECK(several.stop_ids == std::vector<std::int64_t>{7, 9});
  CHECK(several.stop_texts == std::vector<std::string>{"a", "b"});
  for (auto const* wrong : {R"({"max_new_tokens": 0})", R"({"do_sample": true, "min_p": 2})",
                            R"({"eos_token_id": "end"})", R"({"do_sample": true, "top_k": -1})"}) {
    folder.write("generation_config.json", wrong);
    CHECK_THROWS_AS(generation_config_of(folder.path()), vcflash::InputError);
  }
}
