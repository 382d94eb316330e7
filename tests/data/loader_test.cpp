#include <vcflash/data/loader.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <vcflash/media/encode.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::data;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

/// Rows of two videos; row i of a set asks with i + 1 words, by which it is known.
struct SmallSet {
  test::TemporaryFolder folder;
  text::Tokenizer tokenizer;

  SmallSet() : tokenizer(text::write_word_tokenizer(folder / "tokenizer", words())) {
    media::Frames clip{16, 32, 32, std::vector<std::uint8_t>(16 * 32 * 32 * 3)};
    for (std::size_t i = 0; i < clip.rgb.size(); ++i)
      clip.rgb[i] = static_cast<std::uint8_t>(10 * (i / clip.frame_bytes()));
    media::write_video(folder / "good.mp4", clip, {.fps = 4});
    folder.write("broken.mp4", "no video at all");
  }

  static std::vector<std::string> words() { return {"what", "grey", "user", "assistant"}; }

  /// A line for each letter: g(ood), b(roken video), m(issing video), t(ext), x (no row at all).
  std::string rows(std::string const& letters) const {
    std::map<char, std::string> const files{
        {'g', "good.mp4"}, {'b', "broken.mp4"}, {'m', "none.mp4"}};
    std::string text, asked;
    for (char const letter : letters) {
      asked += " what";
      bool const seen = files.contains(letter);
      nlohmann::json row{{"id", std::string("row ") + letter},
                         {"conversations",
                          {{{"from", "human"}, {"value", (seen ? "<image>\n" : "") + asked}},
                           {{"from", "gpt"}, {"value", " grey"}}}}};
      if (seen) row["video"] = files.at(letter);
      text += letter == 'x' ? "{}\n" : row.dump() + "\n";
    }
    return text;
  }

  LoaderConfig config(std::vector<std::string> const& sets) const {
    std::string yaml = "datasets:\n";
    for (std::size_t i = 0; i < sets.size(); ++i) {
      auto const name = "set" + std::to_string(i) + ".jsonl";
      folder.write(name, rows(sets[i]));
      yaml += "  - json_path: " + name + "\n";
    }
    LoaderConfig config;
    config.mixture = folder.write("mix.yaml", yaml);
    config.sample.max_frames = 4;
    config.sample.image_size = 16;
    config.sample.time_message = false;
    config.sample.frame_jitter = true;
    config.sample.frame_cache = 1 << 20;
    config.order = Order::shuffled;
    config.batch = 2;
    config.seed = 5;
    config.retry_pause = std::chrono::milliseconds(1);
    return config;
  }
};

/// What tells samples apart: their length, and which frames were drawn.
std::vector<double> marks(std::vector<Sample> const& batch) {
  std::vector<double> out;
  for (Sample const& sample : batch) {
    out.push_back(static_cast<double>(sample.input_ids.numel()));
    for (std::int64_t i = 0; i < sample.media[0].pixels.size(0); ++i)
      out.push_back(sample.media[0].pixels[i][0][8][8].item<double>());
  }
  return out;
}

std::vector<std::vector<double>> batches(Loader& loader, int count) {
  std::vector<std::vector<double>> out;
  for (int i = 0; i < count; ++i) out.push_back(marks(loader.next()));
  return out;
}

}  // namespace

TEST_CASE("batches are the same whatever the number of threads", "[unit]") {
  SmallSet const set;
  auto config = set.config({"gggggggg", "ggg"});
  config.workers = 0;
  Loader alone(config, set.tokenizer);
  auto const expected = batches(alone, 12);
  CHECK(alone.batches_per_epoch() == 5);
  CHECK(alone.position() == Position{2, 2});
  for (int const workers : {1, 3}) {
    config.workers = workers;
    Loader loader(config, set.tokenizer);
    CHECK(batches(loader, 12) == expected);
  }
  config.seed = 6;
  Loader other(config, set.tokenizer);
  CHECK(batches(other, 12) != expected);
}

TEST_CASE("a loader goes on from a position as if it had never stopped", "[unit]") {
  SmallSet const set;
  auto const config = set.config({"gggggggg"});
  Loader loader(config, set.tokenizer);
  batches(loader, 6);
  Position const position = loader.position();
  CHECK(position == Position{1, 2});
  auto const expected = batches(loader, 5);
  Loader again(config, set.tokenizer);
  again.seek(position);
  CHECK(again.position() == position);
  CHECK(batches(again, 5) == expected);
}

TEST_CASE("processes are dealt in turn what one process would be given", "[unit]") {
  SmallSet const set;
  auto config = set.config({"gggggggg", "ggg"});
  config.order = GENERATE(Order::grouped, Order::variable_length);
  config.accumulation = 6;
  Loader alone(config, set.tokenizer);
  auto const expected = batches(alone, 18);  // three epochs of five and more
  alone.seek({1, 1});
  for (std::int64_t const world : {2, 3}) {
    config.world = world;
    config.accumulation = 6 / world;
    for (config.rank = 0; config.rank < world; ++config.rank) {
      Loader loader(config, set.tokenizer);
      REQUIRE(loader.batches_per_epoch() == alone.batches_per_epoch());
      auto const dealt = batches(loader, 18 / world);
      for (std::size_t i = 0; i < dealt.size(); ++i) {
        CHECK(
            dealt[i] ==
            expected[i * static_cast<std::size_t>(world) + static_cast<std::size_t>(config.rank)]);
      }
      // After a step of six micro-batches, on as many processes or another number.
      loader.seek(alone.position());
      CHECK(loader.position() == alone.position());
      CHECK(batches(loader, 1)[0] == expected[6 + static_cast<std::size_t>(config.rank)]);
    }
  }
}

TEST_CASE("rows are grouped by length alone if so wanted", "[unit]") {
  SmallSet const set;
  auto config = set.config({"gggggggg"});
  config.order = Order::length;
  Loader loader(config, set.tokenizer);
  std::set<std::int64_t> lengths;
  for (int batch = 0; batch < 4; ++batch) {
    auto const samples = loader.next();
    CHECK(samples[0].input_ids.numel() > samples[1].input_ids.numel());
    for (auto const& sample : samples) lengths.insert(sample.input_ids.numel());
  }
  CHECK(lengths.size() == 8);
}

TEST_CASE("an order that leaves rows out makes epochs shorter", "[unit]") {
  SmallSet const set;
  auto config = set.config({"ggggg", "ttttt"});
  config.order = Order::grouped_auto;
  Loader loader(config, set.tokenizer);
  CHECK(loader.batches_per_epoch() == 4);
  for (int epoch = 0; epoch < 2; ++epoch) {
    int texts = 0;
    for (int batch = 0; batch < 4; ++batch) {
      CHECK(loader.position() == Position{epoch, batch});
      auto const samples = loader.next();
      CHECK(samples[0].media.empty() == samples[1].media.empty());
      texts += samples[0].media.empty() ? 1 : 0;
    }
    CHECK(texts == 2);
  }
  auto few = set.config({"g", "t"});
  few.order = Order::grouped_auto;
  CHECK_THROWS_WITH(Loader(few, set.tokenizer),
                    ContainsSubstring("2 rows do not fill one micro-batch of 2 besides the last"));
}

TEST_CASE("the sets of a mixture follow each other if so wanted", "[unit]") {
  SmallSet const set;
  auto config = set.config({"gg", "gggggg"});
  config.order = Order::mixture;
  Loader loader(config, set.tokenizer);
  auto const first = batches(loader, 1)[0];
  // Rows of the first set have one or two words, most of the second more.
  Loader shorter(set.config({"gg"}), set.tokenizer);
  auto const reference = batches(shorter, 1)[0];
  CHECK(std::min(first[0], first[5]) == std::min(reference[0], reference[5]));
  CHECK(std::max(first[0], first[5]) == std::max(reference[0], reference[5]));
}

TEST_CASE("broken rows and videos cost themselves, are counted, named and written down", "[unit]") {
  SmallSet const set;
  auto config = set.config({"gxgbgmgg"});
  config.batch = 7;
  config.bad_samples = set.folder / "bad_samples.jsonl";
  for (int const workers : {0, 2}) {
    std::filesystem::remove(config.bad_samples);
    config.workers = workers;
    std::vector<BadSample> bad;
    Loader loader(config, set.tokenizer, [&](BadSample const& sample) { bad.push_back(sample); });
    CHECK(loader.next().size() == 7);
    REQUIRE(bad.size() >= 3);
    CHECK(loader.bad_samples() == static_cast<std::int64_t>(bad.size()));
    CHECK(bad[0].left_out);
    CHECK(bad[0].row == 2);
    CHECK_THAT(bad[0].file, ContainsSubstring("set0.jsonl"));
    std::map<std::string, std::string> reasons;
    for (std::size_t i = 1; i < bad.size(); ++i) reasons[bad[i].id] = bad[i].reason;
    REQUIRE(reasons.size() == 2);
    CHECK_THAT(reasons.at("row b"), ContainsSubstring("broken.mp4"));
    CHECK_THAT(reasons.at("row m"), ContainsSubstring("none.mp4"));
    std::ifstream log(config.bad_samples);
    std::size_t lines = 0;
    for (std::string line; std::getline(log, line); ++lines) {
      auto const written = nlohmann::json::parse(line);
      CHECK(written.at("reason") == bad.at(lines).reason);
      CHECK(written.at("left_out") == bad.at(lines).left_out);
    }
    CHECK(lines == bad.size());
  }
}

TEST_CASE("a mixture of which nothing can be read stops the program in one sentence", "[unit]") {
  SmallSet const set;
  Loader loader(set.config({"bbb"}), set.tokenizer);
  CHECK_THROWS_MATCHES(
      loader.next(), Error,
      MessageMatches(ContainsSubstring("mix.yaml") && ContainsSubstring("broken.mp4")));
}

TEST_CASE("a run stops once too many of the last samples failed, and says why", "[unit]") {
  SmallSet const set;
  auto config = set.config({"gggbgggg"});
  config.batch = 4;
  config.max_bad_fraction = 0.003;
  config.bad_samples = set.folder / "bad_samples.jsonl";
  Loader loader(config, set.tokenizer);
  std::string said;
  int epochs = 0;
  try {
    for (; epochs < 20; ++epochs) batches(loader, 2);
  } catch (Error const& error) {
    said = error.what();
  }
  CHECK(epochs >= 1);  // one failure or two an epoch (a row that fails, one that was to replace it)
  CHECK(epochs <= 4);
  CHECK_THAT(said, ContainsSubstring("mix.yaml: 4 of the last ") &&
                       ContainsSubstring("max_bad_fraction = 0.003") &&
                       ContainsSubstring("broken.mp4") && ContainsSubstring("bad_samples.jsonl"));
  config.max_bad_fraction = 1;
  Loader patient(config, set.tokenizer);
  CHECK(batches(patient, 20).size() == 20);
}

TEST_CASE("a mixture smaller than a batch, or read in an unknown way, is refused", "[unit]") {
  SmallSet const set;
  auto config = set.config({"ggg"});
  config.batch = 4;
  CHECK_THROWS_MATCHES(Loader(config, set.tokenizer), InputError,
                       MessageMatches(ContainsSubstring(
                           "3 rows do not fill one micro-batch of 4: give --set "
                           "train.micro_batch=3 --set train.global_batch=3, or more rows")));
  config.batch = 1;
  set.folder.write("mix.yaml", "datasets: [{json_path: set0.jsonl, video_read_type: tape}]");
  CHECK_THROWS_MATCHES(Loader(config, set.tokenizer), InputError,
                       MessageMatches(ContainsSubstring("video_read_type tape")));
  set.folder.write("mix.yaml", "datasets: [{json_path: set0.jsonl, video_read_type: gif}]");
  // Sixteen frames are sixteen seconds to a gif's reader.
  CHECK(Loader(config, set.tokenizer).next().at(0).media.at(0).pixels.size(0) == 4);
}

TEST_CASE("a loader that failed fails again, and does not wait for ever", "[unit]") {
  SmallSet const set;
  for (int const workers : {0, 2}) {
    auto config = set.config({"bbb"});
    config.workers = workers;
    Loader loader(config, set.tokenizer);
    CHECK_THROWS_AS(loader.next(), Error);
    CHECK_THROWS_AS(loader.next(), Error);
  }
}

TEST_CASE("a film that takes too long is tried once, by later runs into the folder, too",
          "[unit]") {
  SmallSet const set;
  auto config = set.config({"gggggggg"});
  config.workers = 0;
  config.max_bad_fraction = 1;
  config.bad_samples = set.folder / "bad_samples.jsonl";
  config.sample.time_limit = std::chrono::milliseconds(0);
  for (int run = 0; run < 2; ++run) {
    std::vector<std::string> reasons;
    Loader loader(config, set.tokenizer,
                  [&](BadSample const& bad) { reasons.push_back(bad.reason); });
    CHECK_THROWS_AS(loader.next(), Error);  // all rows show the same film
    REQUIRE(reasons.size() == 8);
    for (std::size_t i = 0; i < reasons.size(); ++i) {
      bool const tried = run == 0 && i == 0;
      CHECK_THAT(reasons[i], ContainsSubstring(tried ? "not read within" : "is not tried again"));
    }
  }
  config.sample.time_limit = std::chrono::minutes(1);  // under another limit it is
  CHECK(Loader(config, set.tokenizer).next().size() == 2);
}

TEST_CASE("who waits long for a sample is told which file is being read", "[unit]") {
  SmallSet const set;
  std::filesystem::create_symlink("none.mp4", set.folder / "none.mp4");  // to itself
  auto config = set.config({"gm"});
  config.order = Order::mixture;
  config.workers = 1;
  config.retry_pause = std::chrono::milliseconds(300);  // what cannot be read may be back
  config.notice = std::chrono::milliseconds(20);
  std::vector<std::string> said, reasons;
  Loader loader(
      config, set.tokenizer, [&](BadSample const& bad) { reasons.push_back(bad.reason); },
      [&](std::string const& sentence) {
        CHECK(reasons.size() <= 1);  // told while the sample is still being made
        said.push_back(sentence);
      });
  CHECK(loader.next().size() == 2);
  REQUIRE(reasons.size() == 1);
  CHECK_THAT(reasons[0], ContainsSubstring("none.mp4: cannot be read"));
  REQUIRE_FALSE(said.empty());
  CHECK_THAT(said.back(), ContainsSubstring("waiting for a sample since") &&
                              ContainsSubstring("none.mp4 is being read"));
}
