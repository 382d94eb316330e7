#include <vcflash/base/error.hpp>
#include <vcflash/data/mixture_file.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash;
using namespace vcflash::data;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

TEST_CASE("a mixture file lists its sets; merged keys and last of equal keys count", "[unit]") {
  test::TemporaryFolder folder;
  auto const sets = read_mixture_file(folder.write("mix.yaml", R"(
defaults: &d {data_root: media, video_read_type: decord}
datasets:
  - <<: *d
    json_path: a.json
    data_root: other
    sampling_strategy: "first:25%"
  - json_path: "12"
    media_type: mix
    data_root: x
    data_root: y
)"));
  REQUIRE(sets.size() == 2);
  CHECK(sets[0].json_path == "a.json");
  CHECK(sets[0].data_root == "other");
  CHECK(sets[0].video_read_type == "decord");
  CHECK(sets[0].sampling_strategy == "first:25%");
  CHECK_FALSE(sets[0].media_type);
  CHECK(sets[1].json_path == "12");
  CHECK(sets[1].data_root == "y");
  CHECK(sets[1].media_type == MediaType::mix);
  CHECK(sets[1].sampling_strategy == "all");
}

TEST_CASE("a list in braces is as many sets that share what else is said", "[unit]") {
  test::TemporaryFolder folder;
  auto const paths = [&](std::string const& json_path) {
    std::vector<std::string> paths;
    auto const file = folder.write(
        "mix.yaml", "datasets:\n- json_path: \"" + json_path + "\"\n  data_root: media\n");
    for (auto const& set : read_mixture_file(file)) {
      CHECK(set.data_root == "media");
      paths.push_back(set.json_path);
    }
    return paths;
  };
  CHECK(paths("a/{b,c d,e}.jsonl") ==
        std::vector<std::string>{"a/b.jsonl", "a/c d.jsonl", "a/e.jsonl"});
  CHECK(paths("{x/a,}.json") == std::vector<std::string>{"x/a.json", ".json"});
  for (std::string const alone : {"a{b}.json", "a{b.json", "a}b,{c.json", "a(b,c).json", "a{b},c"})
    CHECK(paths(alone) == std::vector{alone});
}

TEST_CASE("roots of a mixture are named in the file or by the environment", "[unit]") {
  test::TemporaryFolder folder;
  auto const path = folder.write("mix.yaml", R"(
datasets: [{json_path: "${rows}/${part}/a.json", data_root: "${media}"}]
roots: {rows: /data/rows, part: b, media: pictures}
)");
  CHECK(read_mixture_file(path)[0].json_path == "/data/rows/b/a.json");
  CHECK(read_mixture_file(path)[0].data_root == "pictures");
  ::setenv("VCFLASH_MEDIA", "/disk/${rows}", 1);
  CHECK(read_mixture_file(path)[0].data_root == "/disk/${rows}");
  ::unsetenv("VCFLASH_MEDIA");
}

TEST_CASE("the mixtures of the stages are upstream's, set by set", "[golden]") {
  auto const golden = test::golden_json("data/stage_mixtures.json");
  for (char const* variable : {"VCFLASH_ANNOTATIONS", "VCFLASH_MEDIA"}) ::unsetenv(variable);
  for (auto const& [stage, expected] : golden.at("stages").items()) {
    CAPTURE(stage);
    auto const path = test::source_root() / "recipes/data" / (stage + ".yaml");
    auto const sets = read_mixture_file(path);
    CHECK_THAT(test::read_file(path),
               ContainsSubstring(expected.at("upstream_name").get<std::string>()));
    REQUIRE(sets.size() == expected.at("sets").size());
    for (std::size_t i = 0; i < sets.size(); ++i) {
      auto const& set = expected.at("sets")[i];
      auto const annotation = set.at("annotation").get<std::string>();
      CAPTURE(annotation);
      if (set.contains("elsewhere")) {
        CHECK(sets[i].annotations_from == set.at("elsewhere").get<std::string>());
        CHECK(sets[i].json_path.ends_with(annotation.substr(annotation.rfind('/'))));
      } else {
        CHECK(sets[i].json_path == "annotations/" + annotation);
      }
      CHECK(sets[i].sampling_strategy == set.at("sampling_strategy").get<std::string>());
      CHECK(sets[i].media_from == set.value("media_from", ""));
      CHECK(sets[i].video_read_type == set.value("video_read_type", ""));
      CHECK(sets[i].data_root.starts_with(set.contains("media_from") ? "media/" : ""));
    }
  }
}

TEST_CASE("a wrong mixture file is refused in one sentence that names it", "[unit]") {
  test::TemporaryFolder folder;
  auto const refused = [&](std::string const& text, std::string const& words) {
    CAPTURE(text);
    auto const path = folder.write("mix.yaml", text);
    CHECK_THROWS_MATCHES(
        read_mixture_file(path), InputError,
        MessageMatches(ContainsSubstring(path.string()) && ContainsSubstring(words)));
  };
  refused("", "datasets");
  refused("- 1", "mapping");
  refused("datasets: 3", "list");
  refused("datasets: []", "datasets");
  refused("datasets: [3]", "entry 0");
  refused("datasets: [{data_root: x}]", "json_path");
  refused("datasets: [{json_path: 3}]", "not 3");
  refused("datasets: [{json_path: a.json, data_root: yes}]", "not yes");
  refused("datasets: [{json_path: a.json, data_root: }]", "data_root");
  refused("datasets: [{json_path: a.json, sampling_strategy: {first: 3}}]", "sampling_strategy");
  refused("datasets: [{json_path: a.json, media_type: audio}]", "audio");
  refused("datasets: [{json_path: a.json, data_rot: x}]",
          "entry 0 of datasets has the key data_rot, which is not read; the nearest is data_root");
  refused("datasets: [{json_path: a.json, video_readtype: gif}]", "nearest is video_read_type");
  refused("datasets: [{json_path: a.json, repeat: twice}]", "repeat must be a number above 0");
  refused("datasets: [{json_path: a.json, repeat: 0}]", "repeat must be a number above 0");
  refused("dataset: [{json_path: a.json}]", "the key dataset is not read; write datasets");
  refused("root: {a: b}\ndatasets: [{json_path: a.json}]", "write roots");
  refused("datasets: [{json_path: !!python/object/apply:os.system x}]", "json_path");
  refused("datasets: [{json_path: \"${rows}/a.json\"}]", "VCFLASH_ROWS");
  refused("datasets: [{json_path: \"${rows/a.json\"}]", "brace");
  refused("roots: rows\ndatasets: [{json_path: a.json}]", "roots must be a mapping");
  refused("datasets: [&a {json_path: a.json, <<: *a}]", "without end");
  std::string doubled = "a0: &a0 {json_path: a.json}\n";
  for (int i = 1; i < 40; ++i)
    doubled += fmt::format("a{0}: &a{0} {{<<: [*a{1}, *a{1}]}}\n", i, i - 1);
  refused(doubled + "datasets: [*a39]", "without end");
  refused(",datasets:#\n\t: a.json\n", "YAML");  // found by fuzzing: YAML::LoadAll never ends
  refused("datasets: {", "YAML");
  refused("a: 1\n---\ndatasets: []", "more than one");
  refused("datasets: caf\xE9", "UTF-8");
  CHECK_THROWS_MATCHES(read_mixture_file(folder / "none.yaml"), InputError,
                       MessageMatches(ContainsSubstring("no such file")));
  CHECK_THROWS_AS(read_mixture_file(folder.write("mix.yml", "datasets: []")), InputError);
}

TEST_CASE("a strategy takes rows from the front, the end or a block of the file", "[unit]") {
  auto const slice = [](std::string const& strategy) {
    return detail::slice_of(strategy, 10,
                            [](std::string_view why) { throw InputError(std::string(why)); });
  };
  using Slice = std::pair<std::int64_t, std::int64_t>;
  CHECK(slice("all") == Slice{0, 10});
  CHECK(slice("first:3") == Slice{0, 3});
  CHECK(slice("first:25%") == Slice{0, 3});
  CHECK(slice("first:200%") == Slice{0, 10});
  CHECK(slice("end:20%") == Slice{8, 2});
  CHECK(slice("end:100") == Slice{0, 10});
  CHECK(slice("first2:4") == Slice{4, 4});
  CHECK(slice("first3:4") == Slice{8, 2});
  for (char const* wrong : {"first", "end:0", "first:-3", "middle:5", "random:5", "first4:4",
                            "first:2.5%", "first:", "first:1__0", "First:3", "first:5:6"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(slice(wrong), InputError);
  }
}
