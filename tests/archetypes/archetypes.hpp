#pragma once

#include <vcflash/layers/embedding.hpp>
#include <vcflash/layers/linear.hpp>
#include <vcflash/recipe/recipe.hpp>

/// One encoder, connector, LLM, model and stage that have nothing but what their concepts promise.
/// What the library does with a component, it must be able to do with these.
namespace vcflash::test::archetypes {

/// Sees the mean colour of each frame.
struct Encoder {
  using Map = Linear<3, 8>;
  BOOST_HANA_DEFINE_STRUCT(Encoder, (Map, map));
  static constexpr Name name = "least encoder";
  static constexpr std::int64_t width = 8, resolution = 4;
  static constexpr PixelStatistics pixels{};
  static constexpr View clip{.frames = 2, .rows = 1, .columns = 1};
  static constexpr View image{.image = true, .rows = 1, .columns = 1};
  static std::string upstream_name() { return "least"; }

  template <class Run = RunDirectly>
  Tensor operator()(Tensor const& seen, View const&, Run const& run = {}) const {
    return run(map, seen.mean({3, 4}));
  }
};

struct Connector {
  using Map = Linear<8, 6>;
  BOOST_HANA_DEFINE_STRUCT(Connector, (Map, map));
  static constexpr Name name = "least connector";
  static constexpr std::int64_t input_width = 8, output_width = 6;
  static constexpr std::int64_t tokens(View const& view) { return view.tokens(); }
  static constexpr TokenGrid grid(View const&) { return {}; }
  static std::string upstream_name() { return "least"; }

  Tensor operator()(Tensor const& features, View const&) const { return map(features); }
};

/// Knows the sum of what it has seen, and can forget it as a whole.
struct Cache {
  Tensor sum;
  std::int64_t seen = 0;
  std::int64_t tokens(std::int64_t = 0) const { return seen; }
  std::int64_t truncate(std::int64_t count) {
    if (count < seen) *this = {};
    return seen;
  }
  void reserve(std::int64_t) {}
};

/// Each token sees the mean of those up to it.
struct Llm {
  using Table = Embedding<20, 6>;
  using Mix = Linear<6, 6>;
  using Head = Linear<6, 20>;
  BOOST_HANA_DEFINE_STRUCT(Llm, (Table, table), (Mix, mix), (Head, head));
  using Cache = archetypes::Cache;
  static constexpr Name name = "least LLM";
  static constexpr std::int64_t hidden = 6, vocabulary = 20;
  static constexpr LlmFacts facts{
      .name = name, .model_type = "least", .hidden = hidden, .layers = 1, .vocabulary = vocabulary};

  Tensor embed(Tensor const& ids) const { return table(ids); }
  at::TensorOptions options() const { return table.options(); }
  Tensor logits(Tensor const& states) const { return head(states); }

  template <class Run = RunDirectly>
  Tensor hidden_states(Tensor const& embeddings, Cache* cache = nullptr,
                       Run const& run = {}) const {
    Tensor const place = aten::arange(embeddings.size(1), embeddings.options());
    Tensor sums = place.unsqueeze(1).ge(place).to(embeddings.scalar_type()).matmul(embeddings);
    std::int64_t const before = cache ? cache->seen : 0;
    if (before > 0) sums = sums + cache->sum;
    if (cache) {
      cache->sum = sums.narrow(1, sums.size(1) - 1, 1);
      cache->seen += embeddings.size(1);
    }
    Tensor const counts =
        aten::arange(before + 1, before + 1 + embeddings.size(1), embeddings.options());
    return run(mix, sums / counts.view({1, -1, 1}));
  }
};

struct Model {
  using Encoder = archetypes::Encoder;
  using Connector = archetypes::Connector;
  using Llm = archetypes::Llm;
  using Network = VideoChat<Encoder, Connector, Llm>;
  static constexpr InitialDeviations initial{
      .encoder = {.weight = 0.5}, .connector = {.weight = 0.5}, .llm = {.weight = 0.5}};
  static constexpr bool time_message = false;
  static constexpr Asking asking = as_trained;
};

struct Stage {
  static constexpr Name name = "least stage";
  static constexpr TrainedParts trained{.encoder = true, .connector = true, .llm = true};
  static constexpr Hyperparameters defaults{.micro_batch = 2,
                                            .accumulation = 1,
                                            .processes = 1,
                                            .max_steps = 3,
                                            .images = ImageLayout::square,
                                            .bf16 = false};
};

static_assert(VisionEncoder<Encoder>);
static_assert(vcflash::Connector<Connector>);
static_assert(LanguageModel<Llm>);
static_assert(vcflash::Model<Model>);
static_assert(vcflash::Stage<Stage>);

struct least_recipe : Training<Model, Stage> {};
static_assert(RecipeLike<least_recipe>);

}  // namespace vcflash::test::archetypes
