#include <vcflash/data/mixture.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <vcflash/media/encode.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/video.hpp>

#include "tests/data/golden_mixtures.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::data;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

std::string const folder_name = "data/data_yaml/";

/// Marks a file of the golden folder as read, if it is there.
void mark(fs::path const& path) {
  auto const relative = fs::weakly_canonical(path).lexically_relative(
      fs::weakly_canonical(test::golden_folder("data/data_yaml")));
  if (fs::is_regular_file(path) && *relative.begin() != "..")
    test::golden_file(folder_name + relative.string());
}

/// The sets that a mixture file lists, if it can be read.
std::vector<DataSet> sets_of(fs::path const& yaml) {
  try {
    return read_mixture_file(yaml);
  } catch (InputError const&) {
    return {};
  }
}

std::vector<std::string> media_of(json const& sample) {
  for (char const* key : {"image", "video"})
    if (sample.contains(key))
      return sample.at(key).is_array() ? sample.at(key).get<std::vector<std::string>>()
                                       : std::vector{sample.at(key).get<std::string>()};
  return {};
}

void check_medium(fs::path const& path, json const& expected) {
  CAPTURE(path);
  auto const kind = expected.at("kind").get<std::string>();
  mark(path);
  if (kind == "missing") {
    CHECK_FALSE(fs::exists(path));
  } else if (kind == "file") {
    CHECK(fs::file_size(path) == expected.at("bytes").get<std::uintmax_t>());
  } else if (kind == "dir") {
    CHECK(std::distance(fs::directory_iterator(path), {}) ==
          expected.at("n").get<std::ptrdiff_t>());
    for (auto const& entry : fs::directory_iterator(path)) mark(entry.path());
  } else {
    REQUIRE(kind == "image");
    auto const image = media::read_image(path);
    CHECK(json{image.width, image.height} == expected.at("wh"));
    CHECK(expected.at("mode") == "RGB");
  }
}

void check_row(Row const& row, json const& raw, json const& expected, fs::path const& folder) {
  auto const paths = media_of(expected);
  REQUIRE(row.media.size() == paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) {
    CHECK(row.media[i] == folder / paths[i]);
    check_medium(row.media[i], expected.at("_media").at(i));
  }
  if (expected.at("_n_turns").is_number())
    CHECK(row.turns.size() == expected.at("_n_turns").get<std::size_t>());
  for (auto const& [key, value] : expected.items()) {
    CAPTURE(key);
    if (key == "video_read_type") {
      CHECK(value == row.read_type);
    } else if (key != "image" && key != "video" && !key.starts_with('_')) {
      CHECK(raw.at(key) == value);
    }
  }
  if (expected.contains("id"))
    CHECK(row.id ==
          (expected["id"].is_string() ? expected["id"].get<std::string>() : expected["id"].dump()));
  if (expected.contains("start")) CHECK(row.start == test::golden_number(expected.at("start")));
  if (expected.contains("end")) CHECK(row.end == test::golden_number(expected.at("end")));
}

void check_same(Mixture const& mixture, json const& expected, fs::path const& folder) {
  REQUIRE(mixture.size() == expected.at("total").get<std::int64_t>());
  auto const frames = expected.at("frames_upbound").get<std::int64_t>();
  CHECK(estimated_length(0, Modality::video, frames) == expected.at("num_video_tokens"));
  for (std::int64_t i = 0; i < mixture.size(); ++i) {
    CAPTURE(i);
    auto const at = static_cast<std::size_t>(i);
    Row const row = mixture.row(i);
    check_row(row, json::parse(mixture.text(i)), expected.at("samples").at(at), folder);
    auto const words = mixture.words(i);
    CHECK(words == words_of(row));
    CHECK(mixture.modality(i) == row.modality);
    CHECK(estimated_length(words, row.modality, frames) == expected.at("lengths").at(at));
    if (expected.contains("modality_lengths"))
      CHECK(modality_length(words, row.modality) == expected["modality_lengths"].at(at));
    else
      CHECK(words == 0);  // upstream refuses a conversation without a word once it counts
  }
  auto const& sets = expected.at("per_dataset");
  REQUIRE(mixture.sets().size() == sets.size());
  for (std::size_t i = 0; i < sets.size(); ++i) {
    auto const& set = mixture.sets()[i];
    CHECK(set.json_path == sets[i].at("json_path"));
    CHECK(set.count == sets[i].at("count"));
    CHECK(set.data_root == sets[i].at("data_root"));
    CHECK(name_of(*set.media_type) == sets[i].at("media_type").get<std::string>());
    CHECK(set.video_read_type == (sets[i].at("video_read_type").is_null()
                                      ? ""
                                      : sets[i].at("video_read_type").get<std::string>()));
  }
}

}  // namespace

TEST_CASE("mixtures give upstream's samples, and wrong ones are refused or left out", "[golden]") {
  auto const golden = test::golden_mixtures();
  auto const folder = test::golden_folder("data/data_yaml");
  int same = 0;
  for (auto const& expected : golden.at("cases")) {
    auto const yaml = expected.at("yaml").get<std::string>();
    auto const sane = expected.contains("sane") && expected.at("sane").is_string()
                          ? expected.at("sane").get<std::string>()
                          : "";
    CAPTURE(yaml, sane);
    mark(folder / yaml);
    for (auto const& set : sets_of(folder / yaml)) mark(folder / set.json_path);
    bool const ok = expected.at("ok").get<bool>();
    auto const says = [&](char const* word) { return sane.find(word) != sane.npos; };
    // Upstream takes some things that a careful program does not; those must be refused or named.
    bool const strict =
        ok && !says("reject") && !says("error") && !says("fails") && !says("unknown");
    bool const may = says("may") || says("or reject") || says("reject or") || says("accept");
    bool refused = false;
    try {
      Mixture const mixture(folder / yaml, {.allow_outside = true});
      if (strict) check_same(mixture, expected, folder);
      same += strict ? 1 : 0;
      refused = !mixture.broken().empty();
      for (auto const& broken : mixture.broken()) CHECK_FALSE(broken.problem.empty());
    } catch (InputError const& error) {
      CHECK_FALSE(strict);
      CHECK_THAT(error.what(), ContainsSubstring(".yaml") || ContainsSubstring(".json") ||
                                   ContainsSubstring(yaml));
      refused = true;
    }
    if (says("leave data_root") || says("configured")) {
      CHECK_FALSE(Mixture(folder / yaml).broken().empty());
    } else if (!strict && !may) {
      CHECK(refused);
    }
  }
  CHECK(same > 0);
}

TEST_CASE("the pictures of the golden mixtures can all be read", "[golden]") {
  for (auto const& entry :
       fs::recursive_directory_iterator(test::golden_folder(folder_name) / "media/image")) {
    if (!entry.is_regular_file()) continue;
    CAPTURE(entry.path());
    mark(entry.path());
    CHECK(media::read_image(entry.path()).width > 0);
  }
}

TEST_CASE("the set that docs/data.md writes is read as it says", "[unit]") {
  test::TemporaryFolder folder;
  std::istringstream page(test::read_file(test::source_root() / "docs/data.md"));
  std::string file, content;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("```")) {
      content += line + "\n";
      continue;
    }
    if (!file.empty()) folder.write(file, content);
    auto const space = line.find(' ');
    file = space == line.npos ? "" : line.substr(space + 1);
    content.clear();
  }
  media::Frames const clip{16, 32, 32, std::vector<std::uint8_t>(16 * 32 * 32 * 3, 100)};
  fs::create_directories(folder / "my_set/media/films");
  media::write_video(folder / "my_set/media/films/cat.mp4", clip, {.fps = 2});
  auto const png = media::encode_png({8, 8, std::vector<std::uint8_t>(8 * 8 * 3, 200)});
  folder.write("my_set/media/cats/one.png",
               {reinterpret_cast<char const*>(png.data()), png.size()});

  Mixture const mixture(folder / "my_set/mix.yaml");
  CHECK(mixture.broken().empty());
  REQUIRE(mixture.size() == 3);
  auto const film = mixture.row(0), part = mixture.row(1), picture = mixture.row(2);
  CHECK(film.modality == Modality::video);
  CHECK(media::probe_video(film.media.at(0)).duration == 8);
  CHECK(part.start == 1.0);
  CHECK(part.end == 3.5);
  CHECK(part.turns.size() == 4);
  CHECK(picture.modality == Modality::image);
  CHECK(media::read_image(picture.media.at(0)).width == 8);
  for (auto const& row : {film, part, picture})
    CHECK_NOTHROW(require_inside(row.media[0], row.root));
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
  Mixture const strict(yaml);
  CHECK(strict.size() == 1);
  REQUIRE(strict.broken().size() == 2);
  CHECK_THAT(strict.broken()[0].sentence(),
             ContainsSubstring("row 2 ") && ContainsSubstring("../out.png"));
  CHECK(fs::equivalent(strict.row(0).media.at(0), folder / "media/in.png"));
  CHECK(fs::equivalent(strict.row(0).root, folder / "media"));
  Mixture const open(yaml, {.allow_outside = true});
  CHECK(open.size() == 3);
  CHECK(open.row(0).root.empty());
}

TEST_CASE("a row that changes under a run is refused, not misread", "[unit]") {
  test::TemporaryFolder folder;
  std::string const row = R"({"conversations": [{"from": "human", "value": "one two"}]})";
  folder.write("rows.jsonl", row + "\n" + row);
  Mixture const mixture(folder.write("mix.yaml", "datasets: [{json_path: rows.jsonl}]"));
  CHECK(mixture.row(1).turns.size() == 1);
  folder.write("rows.jsonl", row + "\n" + std::string(row.size(), 'x'));
  CHECK_THROWS_MATCHES(mixture.row(1), InputError,
                       MessageMatches(ContainsSubstring("rows.jsonl: row 2 is no longer")));
  folder.write("rows.jsonl", row);
  CHECK_THROWS_MATCHES(mixture.row(1), InputError, MessageMatches(ContainsSubstring("cut off")));
}

TEST_CASE("a mixture without its media is refused, naming the last that was tried", "[unit]") {
  test::TemporaryFolder folder;
  folder.write("rows.jsonl", R"({"video": "no.mp4", "conversations": [)"
                             R"({"from": "human", "value": "<image>"}]})");
  auto const yaml = folder.write("mix.yaml", "datasets: [{json_path: rows.jsonl}]");
  CHECK_THROWS_MATCHES(
      Mixture(yaml), InputError,
      MessageMatches(ContainsSubstring("no.mp4") && ContainsSubstring("data_root")));
}

namespace {

std::string const some_turns = R"("conversations": [{"from": "human", "value": "<image>"}])";

}  // namespace

TEST_CASE("a first row that is broken does not change what a set is", "[unit]") {
  test::TemporaryFolder folder;
  folder.write("media/cat.mp4", "x");
  folder.write("rows.jsonl", "{\"id\": \n{\"video\": \"cat.mp4\", " + some_turns + "}\n");
  Mixture const mixture(
      folder.write("mix.yaml", "datasets: [{json_path: rows.jsonl, data_root: media}]"));
  CHECK(mixture.sets()[0].media_type == MediaType::video);
  REQUIRE(mixture.size() == 1);
  CHECK(fs::equivalent(mixture.row(0).media.at(0), folder / "media/cat.mp4"));
  CHECK(fs::equivalent(mixture.row(0).root, folder / "media"));
}

TEST_CASE("a mixture named without its folder checks links as one named with it", "[unit]") {
  test::TemporaryFolder folder;
  folder.write("elsewhere/a.png", "x");
  folder.write("set/rows.jsonl", "{\"image\": \"a.png\", " + some_turns + "}\n");
  folder.write("set/mix.yaml", "datasets: [{json_path: rows.jsonl}]");
  fs::create_symlink(folder / "elsewhere/a.png", folder / "set/a.png");
  auto const before = fs::current_path();
  fs::current_path(folder / "set");
  for (char const* name : {"mix.yaml", "./mix.yaml"}) {
    CAPTURE(name);
    auto const row = Mixture(name).row(0);
    CHECK_THROWS_AS(require_inside(row.media.at(0), row.root), InputError);
  }
  fs::current_path(before);
}

TEST_CASE("a set of any rows has all its media behind one data_root", "[unit]") {
  test::TemporaryFolder folder;
  folder.write("media/cat.mp4", "x");
  folder.write("rows.jsonl", R"({"conversations": [{"from": "human", "value": "what"}]})"
                             "\n{\"image\": \"none.png\", " +
                                 some_turns + "}\n{\"video\": \"cat.mp4\", " + some_turns + "}\n");
  auto const yaml = folder.write(
      "mix.yaml", "datasets: [{json_path: rows.jsonl, data_root: media, media_type: any}]");
  Mixture const mixture(yaml);
  REQUIRE(mixture.size() == 3);
  CHECK(fs::equivalent(mixture.row(2).media.at(0), folder / "media/cat.mp4"));
  fs::remove(folder / "media/cat.mp4");
  CHECK_THROWS_MATCHES(Mixture(yaml), InputError, MessageMatches(ContainsSubstring("data_root")));
}

TEST_CASE("a set's rows are seen as often as it says", "[unit]") {
  test::TemporaryFolder folder;
  std::string rows;
  for (char const* word : {"a", "b", "c", "d"})
    rows += std::string(R"({"id": ")") + word +
            R"(", "conversations": [{"from": "human", "value": "x"}]})" + "\n";
  folder.write("rows.jsonl", rows);
  folder.write("other.jsonl", rows);
  auto const ids = [&](std::string const& repeat) {
    Mixture const mixture(folder.write("mix.yaml", "datasets: [{json_path: rows.jsonl, repeat: " +
                                                       repeat + "}, {json_path: other.jsonl}]"));
    CHECK(mixture.sets()[1].first == mixture.sets()[0].count);
    std::string seen;
    for (std::int64_t i = 0; i < mixture.sets()[0].count; ++i) seen += mixture.row(i).id;
    return seen;
  };
  CHECK(ids("1") == "abcd");
  CHECK(ids("2.5") == "abcdabcdab");
  CHECK(ids("0.5") == "ab");
  CHECK(ids("0.01") == "a");
}
