#include <vcflash/data/sample_maker.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <vcflash/base/process_memory.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash;
using namespace vcflash::data;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using From = text::Turn::From;

namespace {

/// A folder with an 8 s video of even grey 100, a picture, and a tokenizer.
struct Media {
  test::TemporaryFolder folder;
  text::Tokenizer tokenizer;

  Media() : tokenizer(text::write_word_tokenizer(folder / "tokenizer", words())) {
    media::Frames const clip{16, 32, 32, std::vector<std::uint8_t>(16 * 32 * 32 * 3, 100)};
    media::write_video(folder / "clip.mp4", clip, {.fps = 2});
    auto const png = media::encode_png({24, 48, std::vector<std::uint8_t>(24 * 48 * 3, 200)});
    folder.write("picture.png", {reinterpret_cast<char const*>(png.data()), png.size()});
  }

  static std::vector<std::string> words() { return {"what", "a", "grey", "video", "user"}; }

  static SampleConfig config() {
    SampleConfig config;
    config.max_frames = 16;
    config.image_size = 16;
    config.mean = {0.5F, 0.5F, 0.5F};
    config.std = {0.25F, 0.25F, 0.25F};
    config.time_message = false;
    return config;
  }

  Row row(Modality modality, std::string const& path) const {
    Row row;
    row.modality = modality;
    row.root = folder.path().string();
    if (!path.empty()) row.media = {(folder / path).string()};
    row.turns = {{From::human, path.empty() ? "what" : "<image>\nwhat"}, {From::gpt, " a grey"}};
    return row;
  }
};

}  // namespace

TEST_CASE("a video becomes normalized frames, one a second, and one placeholder", "[unit]") {
  Media media;
  SampleMaker make(Media::config(), media.tokenizer);
  auto const sample = make(media.row(Modality::video, "clip.mp4"), 1);
  REQUIRE(sample.media.size() == 1);
  CHECK(sample.media[0].modality == Modality::video);
  CHECK(sample.media[0].pixels.sizes() == at::IntArrayRef{8, 3, 16, 16});
  float const expected = (100.0F / 255 - 0.5F) / 0.25F;
  CHECK(std::abs(sample.media[0].pixels.min().item<float>() - expected) < 0.04F);
  CHECK(std::abs(sample.media[0].pixels.max().item<float>() - expected) < 0.04F);
  CHECK((sample.input_ids == media_placeholder).sum().item<std::int64_t>() == 1);
  CHECK(sample.labels.sizes() == sample.input_ids.sizes());
  auto const grey = media.tokenizer.id_of(" grey");
  REQUIRE(grey);
  auto const labelled = sample.labels == *grey;
  CHECK(labelled.sum().item<std::int64_t>() == 1);
  CHECK((sample.labels == media_placeholder).sum().item<std::int64_t>() == 0);
}

TEST_CASE("a long video takes little memory beside the tensor that it becomes", "[unit]") {
  Media media;
  media::Frames const clip{96, 32, 32, std::vector<std::uint8_t>(96 * 32 * 32 * 3, 100)};
  media::write_video(media.folder / "long.mp4", clip, {.fps = 24});
  auto config = Media::config();
  config.sampling = FrameSampling::middle;
  config.max_frames = 96;
  config.image_size = 448;
  SampleMaker make(config, media.tokenizer);
  auto const row = media.row(Modality::video, "long.mp4");
  std::ofstream("/proc/self/clear_refs") << 5;  // the highest so far is the present
  auto const before = resident_memory_mib();
#if defined(__SANITIZE_ADDRESS__)
  SKIP("the address sanitizer keeps what is freed");
#endif
  if (peak_memory_mib() > before + 1) SKIP("this system does not forget a process's peak");
  auto const sample = make(row, 1);
  auto const tensor = static_cast<std::int64_t>(sample.media[0].pixels.nbytes() >> 20);
  CHECK(tensor == 220);  // of the frames as bytes there are 55 MiB
  CHECK(peak_memory_mib() - before < tensor + 32);
  CHECK(resident_memory_mib() - before < tensor + 32);
  float const expected = (100.0F / 255 - 0.5F) / 0.25F;
  CHECK(std::abs(sample.media[0].pixels.min().item<float>() - expected) < 0.04F);
}

TEST_CASE("an image is one frame, and text has no medium", "[unit]") {
  Media media;
  SampleMaker make(Media::config(), media.tokenizer);
  auto const image = make(media.row(Modality::image, "picture.png"), 1);
  REQUIRE(image.media.size() == 1);
  CHECK(image.media[0].modality == Modality::image);
  CHECK(image.media[0].pixels.sizes() == at::IntArrayRef{1, 3, 16, 16});
  CHECK(image.media[0].pixels[0][0][0][0].item<float>() == (200.0F / 255 - 0.5F) / 0.25F);
  CHECK(make(media.row(Modality::text, ""), 1).media.empty());
}

TEST_CASE("an image becomes the tiles that upstream cuts, the whole before them", "[golden]") {
  Media media;
  auto config = Media::config();
  config.image_size = 224;
  config.images = ImageLayout::anyres_nopad;
  config.mean = media::imagenet_statistics.mean;
  config.std = media::imagenet_statistics.std;
  SampleMaker make(config, media.tokenizer);
  auto const pictures = test::golden_json("data/pixels.json");
  for (auto const& golden : pictures.at("rows")) {
    auto const file = golden.at("file").get<std::string>();
    if (!file.ends_with(".png") || golden.contains("error")) continue;
    CAPTURE(file);
    auto row = media.row(Modality::image, "");
    row.turns[0].value = "<image>\nwhat";
    row.root = "";
    row.media = {test::golden_file("data/pixels/" + file).string()};
    auto const medium = make(row, 1).media.at(0);
    auto const& expected = golden.at("anyres_nopad_224");
    CHECK(medium.pixels.sizes().vec() == expected.at("out_shape").get<std::vector<std::int64_t>>());
    CHECK(medium.tile_columns == expected.at("best_wh")[0].get<int>() / 224);
    CHECK(medium.tile_rows == expected.at("best_wh")[1].get<int>() / 224);
    for (std::size_t tile = 0; tile < expected.at("tiles").size(); ++tile) {
      auto const numbers = expected["tiles"][tile].at("float_ch0_row0_first8");
      for (std::size_t x = 0; x < numbers.size(); ++x) {
        auto const pixel = medium.pixels.index({int(tile), 0, 0, int(x)}).item<double>();
        CHECK(std::abs(pixel - numbers[x].get<double>()) < 1e-4);
      }
    }
  }
}

TEST_CASE("images are squares, padded if wanted or if there are several in a row", "[unit]") {
  Media media;
  auto config = Media::config();
  auto row = media.row(Modality::image, "picture.png");  // twice as wide as high
  float const grey = (200.0F / 255 - 0.5F) / 0.25F;
  auto const is_padded = [&](Medium const& medium) {
    CHECK(medium.pixels.sizes() == at::IntArrayRef{1, 3, 16, 16});
    CHECK(medium.tile_rows == 0);
    CHECK(medium.pixels[0][0][8][8].item<float>() == grey);
    return medium.pixels[0][0][0][0].item<float>() != grey;
  };
  CHECK_FALSE(is_padded(SampleMaker(config, media.tokenizer)(row, 1).media.at(0)));
  config.images = ImageLayout::pad;
  CHECK(is_padded(SampleMaker(config, media.tokenizer)(row, 1).media.at(0)));
  config.images = ImageLayout::anyres_nopad;
  CHECK(SampleMaker(config, media.tokenizer)(row, 1).media.at(0).tile_columns == 3);
  row.media.push_back(row.media[0]);
  row.turns[0].value = "<image>\nwhat <image>";
  auto const both = SampleMaker(config, media.tokenizer)(row, 1);
  REQUIRE(both.media.size() == 2);
  for (auto const& medium : both.media) CHECK(is_padded(medium));
}

TEST_CASE("an image one pixel high is refused as a square, naming its file", "[unit]") {
  Media media;
  auto const png = media::encode_png({1, 4, std::vector<std::uint8_t>(12, 9)});
  media.folder.write("line.png", {reinterpret_cast<char const*>(png.data()), png.size()});
  SampleMaker make(Media::config(), media.tokenizer);
  CHECK_THROWS_MATCHES(make(media.row(Modality::image, "line.png"), 1), InputError,
                       MessageMatches(ContainsSubstring("line.png: a picture one pixel high")));
}

TEST_CASE("the length of a video is told in the text if wanted", "[unit]") {
  Media media;
  auto config = Media::config();
  config.time_message = true;
  SampleMaker make(config, media.tokenizer);
  auto const sample = make(media.row(Modality::video, "clip.mp4"), 1);
  std::vector<std::int64_t> ids(
      sample.input_ids.data_ptr<std::int64_t>(),
      sample.input_ids.data_ptr<std::int64_t>() + sample.input_ids.numel());
  CHECK_THAT(media.tokenizer.decode(ids),
             ContainsSubstring("lasts for 8.00 seconds, and 8 frames"));
}

TEST_CASE("a conversation without its <image>, or with two, is refused", "[unit]") {
  Media media;
  SampleMaker make(Media::config(), media.tokenizer);
  auto row = media.row(Modality::video, "clip.mp4");
  for (char const* text : {"what", "<image>\nwhat <image>"}) {
    row.turns[0].value = text;
    CHECK_THROWS_MATCHES(make(row, 1), InputError,
                         MessageMatches(ContainsSubstring("<image> for 1 video")));
  }
}

TEST_CASE("a missing medium is named", "[unit]") {
  Media media;
  SampleMaker make(Media::config(), media.tokenizer);
  for (auto const modality : {Modality::video, Modality::image})
    CHECK_THROWS_MATCHES(make(media.row(modality, "none.xyz"), 1), InputError,
                         MessageMatches(ContainsSubstring("none.xyz")));
}

TEST_CASE("a conversation is cut at the longest that is wanted, its media with it", "[unit]") {
  Media media;
  auto config = Media::config();
  SampleMaker whole(config, media.tokenizer);
  auto const row = media.row(Modality::image, "picture.png");
  auto const all = whole(row, 1);
  auto const place = (all.input_ids == media_placeholder).nonzero().item<std::int64_t>();
  for (std::int64_t const length : {place, place + 1, all.input_ids.numel() + 5}) {
    config.max_length = length;
    auto const sample = SampleMaker(config, media.tokenizer)(row, 1);
    auto const kept = std::min(length, all.input_ids.numel());
    CHECK(sample.input_ids.equal(all.input_ids.narrow(0, 0, kept)));
    CHECK(sample.labels.equal(all.labels.narrow(0, 0, kept)));
    CHECK(sample.media.size() == (length > place ? 1 : 0));
  }
}

TEST_CASE("padding within a conversation is not seen, as behind upstream's mask", "[unit]") {
  Media media;
  auto row = media.row(Modality::text, "");
  SampleMaker make(Media::config(), media.tokenizer);
  auto const expected = make(row, 1);
  row.turns[1].value = " a<|endoftext|> grey";
  CHECK(make(row, 1).input_ids.equal(expected.input_ids));
  CHECK(make(row, 1).labels.equal(expected.labels));
}

TEST_CASE("a medium behind a symbolic link out of its root is refused", "[unit]") {
  Media media;
  test::TemporaryFolder elsewhere;
  std::filesystem::rename(media.folder / "picture.png", elsewhere / "picture.png");
  std::filesystem::create_symlink(elsewhere / "picture.png", media.folder / "picture.png");
  SampleMaker make(Media::config(), media.tokenizer);
  auto row = media.row(Modality::image, "picture.png");
  CHECK_THROWS_MATCHES(make(row, 1), InputError,
                       MessageMatches(ContainsSubstring("outside its data_root")));
  row.root.clear();
  CHECK(make(row, 1).media.size() == 1);
}
