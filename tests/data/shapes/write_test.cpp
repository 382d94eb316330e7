#include <vcflash/data/shapes/write.hpp>

#include <array>
#include <filesystem>
#include <map>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <vcflash/data/mixture.hpp>
#include <vcflash/media/video.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::data;
namespace fs = std::filesystem;

TEST_CASE("the shapes task is whole: mixtures, clips of 4, 8 and 16 s, tokenizer", "[unit]") {
  test::TemporaryFolder folder;
  auto const written = shapes::write({folder.path(), 3, 6, 10});
  CHECK(written.vocabulary <= 512);
  std::size_t rows = 0;
  std::array<std::size_t, 4> const sets{1, 3, 2, 1};
  for (std::size_t stage = 1; stage <= 4; ++stage) {
    Mixture const mixture(folder / ("stage" + std::to_string(stage) + ".yaml"));
    CHECK(mixture.broken().empty());
    REQUIRE(mixture.sets().size() == sets[stage - 1]);
    rows += static_cast<std::size_t>(mixture.size());
    for (auto const& set : mixture.sets()) {
      CHECK(set.count % shapes::rows_a_step == 0);
      auto const info = media::probe_video(mixture.row(set.first).media[0]);
      CHECK(info.length == 16);
      CHECK(set.data_root == "clips/" + std::to_string(int(info.duration)) + "s");
      CHECK((info.height == 128 && info.width == 128));
    }
  }
  CHECK(rows == static_cast<std::size_t>(written.rows));
  for (char const* file : {"tokenizer.json", "tokenizer_config.json"})
    CHECK(fs::exists(folder / "tokenizer" / file));
}

TEST_CASE("held-out questions have their files, balanced counts and another clip", "[unit]") {
  test::TemporaryFolder folder;
  auto const written = shapes::write({folder.path(), 3, 2, 20});
  auto const questions = nlohmann::json::parse(test::read_file(folder / "shapes/questions.json"));
  REQUIRE(questions.size() == static_cast<std::size_t>(written.questions));
  std::map<std::string, int> kinds, counts;
  for (auto const& question : questions) {
    ++kinds[question.at("kind")];
    if (question.at("kind") == "count") ++counts[question.at("answer")];
    CHECK(question.at("video") != question.at("control_video"));
    CHECK(fs::exists(folder / "shapes" / question.at("video").get<std::string>()));
    CHECK(fs::exists(folder / "shapes" / question.at("control_video").get<std::string>()));
    auto const right = question.at("letter").get<std::string>()[0] - 'A';
    CHECK(question.at("options")[static_cast<std::size_t>(right)] == question.at("answer"));
  }
  CHECK(kinds.size() == 5);
  for (auto const& [number, count] : counts) CHECK(count == 4);
  CHECK(counts.size() == 4);
}

TEST_CASE("the same seed writes the same bytes, another seed others", "[unit]") {
  test::TemporaryFolder one, two, three;
  shapes::write({one.path(), 3, 2, 10});
  shapes::write({two.path(), 3, 2, 10});
  shapes::write({three.path(), 4, 2, 10});
  bool differs = false;
  for (auto const& entry : fs::recursive_directory_iterator(one.path())) {
    if (!entry.is_regular_file()) continue;
    auto const name = fs::relative(entry.path(), one.path()).string();
    CAPTURE(name);
    CHECK(test::read_file(entry.path()) == test::read_file(two / name));
    if (fs::exists(three / name))
      differs = differs || test::read_file(entry.path()) != test::read_file(three / name);
  }
  CHECK(differs);
}

TEST_CASE("too few clips and a folder that cannot be made are refused", "[unit]") {
  test::TemporaryFolder folder;
  CHECK_THROWS_AS(shapes::write({folder.path(), 3, 1, 10}), InputError);
  CHECK_THROWS_AS(shapes::write({folder.path(), 3, 4, 3}), InputError);
  CHECK_THROWS_AS(shapes::write({folder.write("file", "x"), 3, 2, 10}), Error);
}
