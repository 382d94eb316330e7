#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <tests/support/folder.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/text/tokenizer.hpp>

#include "bench/support/timing.hpp"

/// Encoding and decoding with Qwen2.5's vocabulary, in bytes of text a second. Run from the source
/// tree, or with VCFLASH_GOLDEN set.
namespace {

using namespace vcflash;

std::string const& whole_json() {
  static auto const json = test::golden_text("data/tokenizer/qwen2_5/tokenizer.json.gz");
  return json;
}

text::Tokenizer const& tokenizer() {
  static auto const made = [] {
    test::TemporaryFolder const folder;
    folder.write("tokenizer.json", whole_json());
    return text::Tokenizer::from_folder(folder.path());
  }();
  return made;
}

enum Kind { english, chinese, mixed };

/// A mebibyte of text: questions as in a video annotation, Chinese ones, or all golden strings.
std::string const& sample(Kind kind) {
  static auto const texts = [] {
    std::vector<std::string> made(3);
    std::string const unit[] = {
        "The quick brown fox jumps over the lazy dog while two children, sitting on a wooden "
        "bench, "
        "watch it. Which option is right?\n(A) The fox is faster.\n(B) It's 12:30 already.\n",
        "请详细描述这个视频的内容。两只猫正在跑步，一个小女孩在旁边看着它们，天气非常好。\n", ""};
    std::string all;
    for (auto const& row : test::golden_jsonl("data/tokenizer.jsonl")) {
      all += row.at("text").get<std::string>() + "\n";
    }
    for (int kind : {english, chinese, mixed}) {
      while (made[kind].size() < 1 << 20) made[kind] += kind == mixed ? all : unit[kind];
    }
    return made;
  }();
  return texts[kind];
}

void encode(benchmark::State& state, Kind kind) {
  auto const& text = sample(kind);
  std::vector<std::int64_t> ids;
  for (auto _ : state) {
    ids.clear();
    tokenizer().encode_to(text, ids);
    benchmark::DoNotOptimize(ids.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.counters["tokens"] = static_cast<double>(ids.size());
}
BENCHMARK_CAPTURE(encode, english, english)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, chinese, chinese)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, mixed, mixed)->Unit(benchmark::kMillisecond);

/// The documents of the file that VCFLASH_BENCH_TEXT names, a zero byte between them.
void encode_documents(benchmark::State& state) {
  char const* const path = std::getenv("VCFLASH_BENCH_TEXT");
  if (path == nullptr) return state.SkipWithError("VCFLASH_BENCH_TEXT names no file");
  std::string const text = test::read_file(path);
  std::vector<std::string_view> documents;
  for (std::size_t at = 0; at <= text.size();) {
    std::size_t const end = std::min(text.find('\0', at), text.size());
    documents.push_back(std::string_view(text).substr(at, end - at));
    at = end + 1;
  }
  std::size_t tokens = 0;
  bench::run_warm(state, [&] {
    tokens = 0;
    for (std::string_view const document : documents) tokens += tokenizer().encode(document).size();
    benchmark::DoNotOptimize(tokens);
  });
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.counters["tokens"] = static_cast<double>(tokens);
}
BENCHMARK(encode_documents)->Unit(benchmark::kMillisecond);

/// What an annotation's turn costs: short texts, one at a time.
void encode_turn(benchmark::State& state) {
  std::string const text = "<|im_start|>user\n<image>\nWhat is happening here?<|im_end|>\n";
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer().encode(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(encode_turn);

/// One word of a mebibyte, the worst that merging by rank can meet.
void encode_endless_word(benchmark::State& state) {
  std::string text;
  while (text.size() < 1 << 20) text += "abracadabra";
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer().encode(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(encode_endless_word)->Unit(benchmark::kMillisecond);

/// Splitting alone, the part of `encode` that PCRE2 does.
void split(benchmark::State& state, Kind kind) {
  text::Pretokenizer const pretokenizer;
  auto const& text = sample(kind);
  for (auto _ : state) {
    std::size_t pieces = 0;
    pretokenizer.for_each_piece(text, [&](std::string_view) { ++pieces; });
    benchmark::DoNotOptimize(pieces);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK_CAPTURE(split, english, english)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(split, chinese, chinese)->Unit(benchmark::kMillisecond);

void decode(benchmark::State& state) {
  auto const ids = tokenizer().encode(sample(mixed));
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer().decode(ids));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sample(mixed).size()));
}
BENCHMARK(decode)->Unit(benchmark::kMillisecond);

/// Reading Qwen2.5's tokenizer.json of 7 MB.
void load(benchmark::State& state) {
  test::TemporaryFolder const folder;
  folder.write("tokenizer.json", whole_json());
  for (auto _ : state) benchmark::DoNotOptimize(text::Tokenizer::from_folder(folder.path()));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(whole_json().size()));
}
BENCHMARK(load)->Unit(benchmark::kMillisecond);

}  // namespace
