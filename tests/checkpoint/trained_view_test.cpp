#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/trained_view.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("how a training looked at videos is read back as it was written", "[unit]") {
  checkpoint::TrainedView const view{.model = "mine",
                                     .resolution = 32,
                                     .min_frames = 4,
                                     .max_frames = 8,
                                     .sampling = FrameSampling::middle,
                                     .time_message = false};
  nlohmann::json const config{{checkpoint::trained_view_field, checkpoint::to_json(view)}};
  CHECK(checkpoint::trained_view(config, "config.json") == view);
  CHECK_FALSE(checkpoint::trained_view({{"hidden_size", 8}}, "config.json"));
}

TEST_CASE("a view that nobody can have written is refused by its file", "[unit]") {
  auto view = checkpoint::to_json(checkpoint::TrainedView{});
  auto const read = [](nlohmann::json const& field) {
    return checkpoint::trained_view({{checkpoint::trained_view_field, field}}, "a/config.json");
  };
  CHECK_THROWS_WITH(read(3), ContainsSubstring("a/config.json: \"vcflash\" is 3"));
  view["sampling"] = "often";
  CHECK_THROWS_WITH(read(view), ContainsSubstring("often") && ContainsSubstring("middle"));
  view.erase("resolution");
  CHECK_THROWS_AS(read(view), InputError);
}
