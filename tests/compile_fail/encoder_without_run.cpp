// expect-error: plain is no VisionEncoder (encoders/vision_encoder.hpp): it lacks
// operator()(pixels, view, run), which says how its layers are run
#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/vision_encoder.hpp>
#include <vcflash/layers/linear.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

using namespace vcflash;

struct Plain {
  using Map = Linear<3, 1024>;
  BOOST_HANA_DEFINE_STRUCT(Plain, (Map, map));
  static constexpr Name name = "plain";
  static constexpr std::int64_t width = 1024, heads = 16, resolution = 224;
  static constexpr PixelStatistics pixels{};
  static constexpr View clip{.frames = 4, .rows = 14, .columns = 14};
  static constexpr View image{.image = true, .rows = 14, .columns = 14};
  static std::string upstream_name() { return "plain"; }
  Tensor operator()(Tensor const& seen, View const&) const { return map(seen); }
};

ModelOf<Plain, ToMe16, Qwen2_7B> broken;
