#include <cstddef>
#include <cstdint>
#include <string>

#include <fuzzer/FuzzedDataProvider.h>

#include <tests/fuzz/fuzz.hpp>
#include <vcflash/media/frame_folder.hpp>
#include <vcflash/media/frame_sampling.hpp>

using namespace vcflash;

/// Numbers as an annotation's clip and as a video's length and rate: which frames are chosen.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  constexpr std::int64_t most = 0x7fffffff;  // containers count in 32 bits
  FuzzedDataProvider made(data, size);
  media::FrameRequest request;
  request.sampling = made.ConsumeBool() ? FrameSampling::middle : FrameSampling::dynamic_fps1;
  request.min_frames = made.ConsumeIntegralInRange<std::int64_t>(1, 600);
  request.max_frames = made.ConsumeIntegralInRange<std::int64_t>(1, 600);
  request.clip_length = made.ConsumeIntegralInRange<std::int64_t>(1, 8);
  auto const length = made.ConsumeIntegralInRange<std::int64_t>(1, most);
  auto const fps = made.ConsumeFloatingPointInRange<double>(1.0 / double(most), double(most));
  auto const num = made.ConsumeIntegralInRange<std::int64_t>(1, most);
  auto const den = made.ConsumeIntegralInRange<std::int64_t>(1, most);
  if (made.ConsumeBool()) {
    request.start = made.ConsumeFloatingPoint<double>();
    request.end = made.ConsumeFloatingPoint<double>();
  }
  for (auto const rule : {media::ClipRule::training, media::ClipRule::evaluation}) {
    request.clip_rule = rule;
    fuzz::refused_or([&] {
      auto const plan = media::plan_frames(request, length, fps);
      fuzz::require(std::ssize(plan.indices) <= 1200);
      if (!plan.by_seconds) {
        for (auto const index : plan.indices) fuzz::require(index >= -length && index < length);
      } else {
        media::clip_moments(request, plan, fps, num, den);
      }
    });
  }
  fuzz::refused_or([&] { media::plan_folder(request, length, made.ConsumeBool() ? 3 : 1); });
  return 0;
}
