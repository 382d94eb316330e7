#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <vcflash/media/encode.hpp>
#include <vcflash/media/video.hpp>

using namespace vcflash::media;

namespace {

/// A clip of a square that moves over a noisy ground.
Frames clip(int count, int height, int width) {
  Frames frames{count, height, width, {}};
  std::uint32_t state = 1;
  for (int i = 0; i < count; ++i) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        state = state * 1664525 + 1013904223;
        bool const inside =
            std::abs(x - width * i / count) < width / 8 && std::abs(y - height / 2) < height / 8;
        for (int c = 0; c < 3; ++c) {
          frames.rgb.push_back(std::uint8_t(inside ? 90 + 60 * c : 20 + (state >> 28)));
        }
      }
    }
  }
  return frames;
}

/// Writes a clip once and removes it at the end.
class File {
 public:
  File(int count, int height, int width)
      : path_(
            std::filesystem::temp_directory_path() /
            ("vcflash-bench-" + std::to_string(getpid()) + "-" + std::to_string(height) + ".mp4")) {
    write_video(path_, clip(count, height, width), {.fps = 25});
  }
  ~File() { std::filesystem::remove(path_); }
  std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

File const& small() {
  static File const file(16, 128, 128);
  return file;
}
File const& large() {
  static File const file(750, 360, 640);  // 30 seconds, key frames 10 seconds apart
  return file;
}

void read(benchmark::State& state, File const& file, std::optional<int> square) {
  FrameRequest request;
  request.max_frames = state.range(0);
  for (auto _ : state) benchmark::DoNotOptimize(read_video(file.path(), request, square));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void read_small(benchmark::State& state) { read(state, small(), 32); }
void read_large(benchmark::State& state) { read(state, large(), 224); }

/// The plain way: every frame decoded, converted and resized; then those wanted are kept.
void read_large_plainly(benchmark::State& state) {
  for (auto _ : state) {
    Deadline deadline(default_time_limit);
    VideoFile file(large().path(), deadline);
    std::vector<std::int64_t> all(static_cast<std::size_t>(file.shown()));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    benchmark::DoNotOptimize(vcflash::media::detail::decode_frames(file, all, 224, 1));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void probe(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(probe_video(small().path()));
  state.SetItemsProcessed(state.iterations());
}

void write(benchmark::State& state) {
  Frames const frames = clip(16, 128, 128);
  auto const path = std::filesystem::temp_directory_path() / "vcflash-bench-write.mp4";
  for (auto _ : state) write_video(path, frames);
  state.SetItemsProcessed(state.iterations() * frames.count);
  std::filesystem::remove(path);
}

/// The file that VCFLASH_BENCH_VIDEO names; null if none is.
char const* given_video(benchmark::State& state) {
  char const* const path = std::getenv("VCFLASH_BENCH_VIDEO");
  if (path == nullptr) state.SkipWithError("VCFLASH_BENCH_VIDEO names no file");
  return path;
}

/// Frames of that file from the middle of equal intervals, as they are or resized to a square, by
/// all threads.
void read_given(benchmark::State& state) {
  char const* const path = given_video(state);
  if (path == nullptr) return;
  FrameRequest request;
  request.max_frames = state.range(0);
  std::optional<int> square;
  if (state.range(1) > 0) square = static_cast<int>(state.range(1));
  auto const threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  for (auto _ : state) {
    benchmark::DoNotOptimize(read_video(path, request, square, default_time_limit, threads));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// The least that can be done for many frames of that file: FFmpeg decodes all of them, in as many
/// threads as it likes, and nothing is done with them.
void decode_everything(benchmark::State& state) {
  char const* const path = given_video(state);
  if (path == nullptr) return;
  std::int64_t decoded = 0;
  for (auto _ : state) {
    Deadline deadline(default_time_limit);
    VideoFile file(path, deadline);
    AVCodec const* const decoder = avcodec_find_decoder(file.stream().codecpar->codec_id);
    Codec const codec(avcodec_alloc_context3(decoder));
    avcodec_parameters_to_context(codec.get(), file.stream().codecpar);
    codec->thread_count = 0;
    avcodec_open2(codec.get(), decoder, nullptr);
    Picture const frame = make_picture();
    Packet buffer;
    for (std::size_t p = 0; p <= std::size_t(file.length()); ++p) {
      bool const more = p < std::size_t(file.length());
      avcodec_send_packet(codec.get(), more ? file.packet(p, buffer) : nullptr);
      while (avcodec_receive_frame(codec.get(), frame.get()) >= 0) ++decoded;
    }
    if (decoded == 0) return state.SkipWithError("nothing was decoded");
  }
  state.SetItemsProcessed(decoded);
}

BENCHMARK(decode_everything)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(read_given)
    ->ArgNames({"frames", "side"})
    ->Args({64, 0})
    ->Args({512, 0})
    ->Args({64, 224})
    ->Args({512, 224})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(probe)->Unit(benchmark::kMillisecond);
BENCHMARK(read_small)->Arg(4)->Arg(16)->Unit(benchmark::kMillisecond);
BENCHMARK(read_large)->Arg(4)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(read_large_plainly)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(write)->Unit(benchmark::kMillisecond);

}  // namespace
