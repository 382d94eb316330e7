#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/benchmark.hpp>
#include <vcflash/eval/text_rules.hpp>
#include <vcflash/text/tokenizer.hpp>

/// A needle in a haystack (upstream's xtuner-eval_niah): pictures are put between the frames of an
/// hour of video, and the model is asked about them. What the model would say next is compared with
/// the answer token by token, the answer itself standing in its input.
namespace vcflash::eval::needle {

/// What stands before the frames and behind the question.
struct PromptTemplate {
  std::string_view name, before, behind;
};
inline constexpr std::array<PromptTemplate, 5> prompt_templates{{
    {"mistral", "<s>[INST]", " [/INST]"},
    {"vicuna",
     "<s>A chat between a curious human and an artificial intelligence assistant. The assistant "
     "gives helpful, detailed, and polite answers to the human's questions. USER:",
     "ASSISTANT:"},
    {"llama3",
     "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nYou are a helpful language "
     "and vision assistant. You are able to understand the visual content that the user provides, "
     "and assist the user with a variety of tasks using natural language.<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>\n\n",
     "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"qwen2", "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n",
     "<|im_end|>\n<|im_start|>assistant\n"},
    {"yi", "<|im_start|>system\nAnswer the questions.<|im_end|>\n<|im_start|>user\n",
     "<|im_end|>\n<|im_start|>assistant\n"},
}};
inline constexpr PromptTemplate const& qwen2_template = prompt_templates[3];

/// A stretch of the model's input.
struct Piece {
  enum class Kind { text, hay, needle };
  Kind kind = Kind::text;
  std::vector<std::int64_t> ids{};  ///< of text
  std::int64_t from = 0, to = 0;    ///< frames of the haystack
  std::int64_t needle = 0;          ///< which of the row's needles

  static Piece of_text(std::vector<std::int64_t> ids) { return {.ids = std::move(ids)}; }
  static Piece hay(std::int64_t from, std::int64_t to) {
    return {.kind = Kind::hay, .from = from, .to = to};
  }
  static Piece of_needle(std::int64_t which) { return {.kind = Kind::needle, .needle = which}; }
};
using Layout = std::vector<Piece>;

/// Frames of the haystack that are left of the needle at a depth.
inline std::int64_t frames_before(double depth, std::int64_t frames) {
  return static_cast<std::int64_t>(depth * static_cast<double>(frames));
}

/// NumPy's `arange(0, 1 + step, step)`: where rounding has its way the last depth is beyond 1.
/// \throws InputError if the step is not above 0
inline std::vector<double> depths(double step) {
  if (!(step > 0)) fail<InputError>("depths ", step, " apart are no depths");
  auto const count = static_cast<std::int64_t>(std::ceil((1 + step) / step));
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<double>(i) * step);
  return values;
}

/// The depth that the results state: percent, rounded to tens, halves to even ones.
inline double reported_depth(double depth) { return std::nearbyint(depth * 100 / 10) * 10; }

namespace detail {

inline Layout framed(text::Tokenizer const& tokenizer, Layout frames, std::string const& question,
                     PromptTemplate const& prompt) {
  Layout layout{Piece::of_text(tokenizer.encode(prompt.before))};
  for (auto& piece : frames) {
    if (piece.kind != Piece::Kind::hay || piece.from < piece.to) layout.push_back(std::move(piece));
  }
  auto ids = tokenizer.encode(question);
  tokenizer.encode_to(prompt.behind, ids);
  layout.push_back(Piece::of_text(std::move(ids)));
  return layout;
}

}  // namespace detail

/// One needle among the first `frames` frames. At a depth beyond 1 upstream takes frames beyond
/// them, as far as the haystack has any.
inline Layout single_hop(text::Tokenizer const& tokenizer, std::string const& question,
                         double depth, std::int64_t frames, std::int64_t haystack,
                         PromptTemplate const& prompt = qwen2_template) {
  std::int64_t const before = std::min(frames_before(depth, frames), haystack);
  return detail::framed(tokenizer,
                        {Piece::hay(0, before), Piece::of_needle(0), Piece::hay(before, frames)},
                        question, prompt);
}

/// Which frames stand before each needle after the first, when needles are spread over `frames`.
/// \throws InputError for a single needle, where upstream divides by zero
inline std::vector<std::pair<std::int64_t, std::int64_t>> segments(std::int64_t frames,
                                                                   std::int64_t needles) {
  if (needles < 2) fail<InputError>("of needles there must be 2 or more, not ", needles);
  double const interval = static_cast<double>(frames) / static_cast<double>(needles - 1);
  auto const at = [&](std::int64_t i) {
    return static_cast<std::int64_t>(static_cast<double>(i) * interval);
  };
  std::vector<std::pair<std::int64_t, std::int64_t>> result;
  for (std::int64_t i = 1; i < needles; ++i) result.emplace_back(at(i - 1), at(i));
  return result;
}

/// Needles from the first frame to the last, each saying where to look next.
inline Layout multi_hop(text::Tokenizer const& tokenizer, std::string const& question,
                        std::int64_t frames, std::int64_t needles,
                        PromptTemplate const& prompt = qwen2_template) {
  Layout pieces{Piece::of_needle(0)};
  std::int64_t needle = 1;
  for (auto const& [from, to] : segments(frames, needles)) {
    pieces.push_back(Piece::hay(from, to));
    pieces.push_back(Piece::of_needle(needle++));
  }
  return detail::framed(tokenizer, std::move(pieces), question, prompt);
}

/// Input positions of a layout.
inline std::int64_t length(Layout const& layout, std::int64_t frame_tokens,
                           std::int64_t needle_tokens) {
  std::int64_t tokens = 0;
  for (auto const& piece : layout) {
    tokens += piece.kind == Piece::Kind::text  ? std::ssize(piece.ids)
              : piece.kind == Piece::Kind::hay ? (piece.to - piece.from) * frame_tokens
                                               : needle_tokens;
  }
  return tokens;
}

/// How upstream pads a sequence and shares it among processes, and where it then finds the
/// predictions of the answer in the last process's share.
struct Padding {
  std::int64_t count, padded, per_process;
  std::int64_t from, to;  ///< of the last process's share
};
inline Padding padding(std::int64_t prompt, std::int64_t answer, std::int64_t processes) {
  std::int64_t const whole = processes * 2;
  std::int64_t const count = whole - (prompt + answer) % whole;
  std::int64_t const padded = prompt + answer + count, share = padded / processes;
  return {count, padded, share, (prompt - 1) % share, (prompt + answer - 1) % share};
}

/// Whether a prediction is right: both in lower case and the prediction without brackets they are
/// the same text. Upstream's rule counts white space, " A" is not "A", and finds no answer that has
/// brackets itself; strictly, neither white space around a text nor brackets are a part of it.
inline bool matches(std::string_view predicted, std::string_view answer,
                    Scoring scoring = Scoring::upstream) {
  auto const meant = [](std::string_view text) {
    return replaced(replaced(lowered(text), "(", ""), ")", "");
  };
  if (scoring == Scoring::upstream) return meant(predicted) == lowered(answer);
  return stripped(meant(predicted)) == stripped(meant(answer));
}

/// Which frames of a video upstream's haystack is made of.
struct Haystack {
  std::int64_t step;        ///< every so manieth frame is a candidate
  std::int64_t candidates;  ///< one a second
  bool twice;               ///< what is encoded is taken two times, for more than 7500 frames
  std::int64_t most_batches, batches;  ///< of 8 frames: as many as wanted, as many as there are
  std::int64_t last_batch;             ///< frames of the last batch; less than 8 do not fit
  std::int64_t frames;                 ///< in the end
};

/// \throws InputError for a video of half a frame a second or less
inline Haystack haystack(std::int64_t video_frames, double fps, std::int64_t wanted) {
  constexpr std::int64_t batch = 8;
  auto const blocks = [](std::int64_t count, std::int64_t size) {
    return (count + size - 1) / size;
  };
  Haystack hay{};
  hay.step = static_cast<std::int64_t>(std::nearbyint(fps));
  if (hay.step <= 0) fail<InputError>("a haystack of ", fps, " frames a second has no seconds");
  hay.candidates = blocks(video_frames, hay.step);
  hay.twice = wanted > 7500;
  hay.most_batches = blocks(hay.twice ? wanted / 2 : wanted, batch);
  // upstream leaves its loop two batches after the last it wants
  hay.batches = std::min(blocks(hay.candidates, batch), hay.most_batches + 2);
  std::int64_t const taken = std::min(hay.candidates, hay.batches * batch);
  hay.last_batch = taken - (hay.batches - 1) * batch;
  hay.frames = hay.twice ? 2 * taken : taken;
  return hay;
}

/// A row of upstream's `all_accuracies.json` for one needle: the share of its questions, all at one
/// depth, that are right.
inline nlohmann::ordered_json single_hop_result(std::int64_t frames, double depth,
                                                std::vector<bool> const& right) {
  auto const count = static_cast<double>(std::ranges::count(right, true));
  return {{"Num. Frame", frames},
          {"Frame Depth", reported_depth(depth)},
          {"Score", count / static_cast<double>(right.size())}};
}

/// The same for many needles, each row asked for the caption and for a detail of the last picture.
/// \param caption, detail one a row
inline nlohmann::ordered_json multi_hop_result(std::int64_t frames,
                                               std::vector<bool> const& caption,
                                               std::vector<bool> const& detail) {
  std::array<std::int64_t, 4> pairs{};
  for (std::size_t i = 0; i < caption.size(); ++i) {
    ++pairs[(caption[i] ? 0u : 2u) + (detail[i] ? 0u : 1u)];
  }
  auto const [both, only_caption, only_detail, none] = pairs;
  auto const rows = static_cast<double>(caption.size());
  auto const captions = static_cast<double>(both + only_caption);
  auto const details = static_cast<double>(both + only_detail);
  return {{"Num. Frame", frames},
          {"Score", (captions + details) / (2 * rows)},
          {"Caption Score", captions / rows},
          {"QA Score", details / rows},
          {"Total question pair", detail.size()},
          {"Both correct", both},
          {"Only cap correct", only_caption},
          {"Only qa correct", only_detail},
          {"Both wrong", none}};
}

/// What `avg_accuracy.txt` says: the mean of the rows' scores.
inline double average_score(nlohmann::ordered_json const& results) {
  double sum = 0;
  for (auto const& result : results) sum += result.at("Score").get<double>();
  return results.empty() ? 0.0 : sum / static_cast<double>(results.size());
}

}  // namespace vcflash::eval::needle
