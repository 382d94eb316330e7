#include <vcflash/eval/needle_plan.hpp>

#include <malloc.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <vcflash/base/process_memory.hpp>
#include <vcflash/connectors/tome.hpp>
#include <vcflash/data/shapes/questions.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/medium_decoder.hpp"
#include "tests/support/program.hpp"

using namespace vcflash;
namespace needle = vcflash::eval::needle;

namespace {

constexpr DecoderConfig small_decoder{.name = "small decoder",
                                      .hidden = 64,
                                      .layers = 2,
                                      .heads = 2,
                                      .kv_heads = 1,
                                      .intermediate = 128,
                                      .vocabulary = 512,
                                      .rope_base = 1e4};

/// 16 tokens a frame.
template <class Llm>
struct With : ModelOf<Umt<UmtConfig{.name = "medium encoder",
                                    .resolution = 128,
                                    .patch = 16,
                                    .width = 256,
                                    .depth = 3,
                                    .heads = 4,
                                    .position_resolution = 128}>,
                      ToMeKind<16, 64, "ToMe16">, Llm> {
  static constexpr Name name = "medium";
};
using Plain = With<Qwen2<test::medium_decoder>>;
using Dropping = With<
    Qwen2<test::medium_decoder>::With<AttentionDropping<DropSchedule{{1, 2}, {1.0, 0.5, 0.25}}>>>;
using Small = With<Qwen2<small_decoder>>;

constexpr int video_side = 64;

/// A needle in a haystack of so many frames, asked about where its input is longest.
struct Hay {
  std::int64_t frames = 400;

  std::int64_t seconds() const { return frames > 7500 ? frames / 2 : frames; }

  void write(std::filesystem::path const& folder) const {
    media::Frames pictures{static_cast<int>(seconds()), video_side, video_side, {}};
    auto const bytes = seconds() * video_side * video_side * 3;
    for (std::int64_t i = 0; i < bytes; ++i) {
      pictures.rgb.push_back(std::uint8_t(i / (video_side * video_side * 3) * 6 + i % video_side));
    }
    media::write_video(folder / "hay.mp4", pictures, {.fps = 1});
  }

  needle::Case asked(std::filesystem::path const& folder) const {
    auto const tokenizer =
        text::write_word_tokenizer(folder / "tokenizer", data::shapes::vocabulary());
    std::vector<needle::Row> const rows{{{"a"}, {{"what colour is it ?", "red B"}}}};
    return needle::cases_of(needle::Hops::single, rows, {frames, frames, 1, 1.0}, tokenizer).back();
  }

  template <class M>
  needle::MemoryPlan plan(std::filesystem::path const& folder) const {
    auto const longest = asked(folder);
    return needle::plan_memory<M>({.longest = &longest,
                                   .seconds = seconds(),
                                   .needles = 1,
                                   .height = video_side,
                                   .width = video_side},
                                  at::kFloat);
  }

  /// Bytes of resident memory that a real search takes at most, beyond those of the program.
  template <class M>
  std::int64_t search(std::filesystem::path const& folder) const {
    typename M::Network network;
    for (auto const& parameter : parameters_of(network)) {
      *parameter.value = at::empty(parameter.shape);
      parameter.value->normal_(0, 0.02);
    }
    auto const longest = asked(folder);
    {
      Tensor hay =
          needle::look_at_haystack<M>(network, folder / "hay.mp4", frames, [](std::int64_t) {});
      Tensor const picture = at::zeros({needle::clip_tokens<M>(), M::Llm::hidden});
      needle::Search<M> search(network, std::move(hay), {picture}, {0},
                               needle::input_tokens<M>(longest));
      search.predict(longest);
    }
    auto const peak = peak_memory_mib();
    for (auto const& parameter : parameters_of(network)) *parameter.value = Tensor();
    ::malloc_trim(0);
    return (peak - resident_memory_mib()) << 20;  // what is left is the program
  }
};

/// The same measured in a process of its own.
template <class M>
void check_plan(Hay const& hay, std::string const& model) {
  test::TemporaryFolder const folder;
  hay.write(folder.path());
  auto const plan = hay.plan<M>(folder.path());
  // Tensors of full-size models have pages of their own; here they get them, too.
  auto const outcome = test::run_command(
      "MALLOC_MMAP_THRESHOLD_=65536 VCFLASH_NEEDLE_MODEL=" + model + " VCFLASH_NEEDLE_FOLDER='" +
      folder.path().string() + "' '" + std::filesystem::read_symlink("/proc/self/exe").string() +
      "' 'a search is measured'");
  CAPTURE(model, outcome.output, plan.weights, plan.visual, plan.cache, plan.activations,
          plan.pictures, plan.total());
  REQUIRE(outcome.exit_code == 0);
  std::istringstream numbers(outcome.output.substr(outcome.output.find("measured ") + 9));
  std::int64_t found = 0;
  numbers >> found;
  REQUIRE(found > 100'000'000);
  CHECK(plan.total() > found * 85 / 100);
  CHECK(plan.total() < found * 115 / 100);
}

}  // namespace

// Asked for by name, in a process of its own, by the tests below.
TEST_CASE("a search is measured", "[.][unit]") {
  char const* const folder = std::getenv("VCFLASH_NEEDLE_FOLDER");
  if (folder == nullptr) SKIP("no folder is named");
  std::string const model = std::getenv("VCFLASH_NEEDLE_MODEL");
  auto const peak = model == "plain"      ? Hay{}.search<Plain>(folder)
                    : model == "dropping" ? Hay{}.search<Dropping>(folder)
                                          : Hay{.frames = 10'000}.search<Small>(folder);
  std::printf("measured %lld\n", static_cast<long long>(peak));
}

TEST_CASE("a search takes the memory that its plan says", "[unit]") {
  check_plan<Plain>({}, "plain");
  check_plan<Dropping>({}, "dropping");
}

TEST_CASE("10,000 frames of 16 tokens take the memory that their plan says", "[soak]") {
  check_plan<Small>({.frames = 10'000}, "small");
}

TEST_CASE("a plan counts visual tokens, keys and values by the input's length", "[unit]") {
  test::TemporaryFolder const folder;
  Hay const hay;
  auto const plan = hay.plan<Plain>(folder.path());
  CHECK(plan.frames == hay.frames);
  CHECK(plan.visual_tokens == hay.frames * 16 + 64);
  CHECK(plan.visual == plan.visual_tokens * 512 * 4);
  CHECK(plan.input_tokens > plan.visual_tokens);
  CHECK(plan.cache == 2 * plan.input_tokens * 4 * 2 * 64 * 4);
  CHECK(plan.weights == 4 * (parameter_count<Plain::Encoder> + parameter_count<Plain::Connector> +
                             parameter_count<Plain::Llm>));

  auto const dropping = hay.plan<Dropping>(folder.path());
  CHECK(dropping.weights == plan.weights);
  std::int64_t const visual = plan.visual_tokens, text = plan.input_tokens - visual;
  CHECK(dropping.cache == 2 * 2 * 64 * 4 * (4 * text + visual + visual / 2 + 2 * (visual / 4)));
}

TEST_CASE("what is looked at takes no more memory in a haystack twice as long", "[unit]") {
  test::TemporaryFolder const folder;
  auto const one = Hay{.frames = 3000}.plan<Small>(folder.path());
  auto const two = Hay{.frames = 6000}.plan<Small>(folder.path());
  CHECK(two.pictures == one.pictures);
  CHECK(two.weights == one.weights);
  CHECK(two.visual - one.visual == 3000 * 16 * 64 * 4);
  CHECK(two.cache - one.cache == 2 * 3000 * 16 * 2 * 32 * 4);
  // A part's mask, and the keys and values that its queries' heads share, grow with the input.
  std::int64_t const longer = 3000 * 16;
  CHECK(two.activations - one.activations < longer * (1024 * (1 + 4) + 3 * 2 * 64 * 4));
  // Above 7,500 frames each second is seen twice.
  auto const most = Hay{.frames = 10'000}.plan<Small>(folder.path());
  CHECK(most.visual_tokens == 5000 * 16 + 64);
}
