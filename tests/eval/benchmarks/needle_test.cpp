#include <vcflash/eval/benchmarks/needle.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tests/eval/golden_rows.hpp"
#include "tests/text/golden_tokenizers.hpp"

using namespace vcflash::eval;
using nlohmann::json;
using vcflash::test::golden_json;

namespace {

using Ids = std::vector<std::int64_t>;

/// A layout as the golden data spell it.
json spelled(needle::Layout const& layout, std::int64_t needle_tokens) {
  json pieces = json::array();
  for (auto const& piece : layout) {
    switch (piece.kind) {
      case needle::Piece::Kind::text:
        pieces.push_back({"text", piece.ids});
        break;
      case needle::Piece::Kind::hay:
        pieces.push_back({"hay", piece.from, piece.to});
        break;
      case needle::Piece::Kind::needle:
        pieces.push_back({"needle", piece.needle, needle_tokens});
        break;
    }
  }
  return pieces;
}

/// How many tokens a needle has in the golden data of a run.
std::int64_t needle_tokens_of(json const& eval) {
  for (auto const& piece : eval.at("layout")) {
    if (piece[0] == "needle") return piece[2];
  }
  FAIL("a layout without a needle");
  return 0;
}

/// Checks one question and says whether it is answered right.
bool check_question(needle::Layout const& layout, std::string const& answer, json const& eval,
                    std::int64_t frame_tokens = 1) {
  auto const& tokenizer = vcflash::test::qwen_tokenizer();
  auto const tokens = needle_tokens_of(eval);
  CHECK(spelled(layout, tokens) == eval.at("layout"));
  auto const prompt = needle::length(layout, frame_tokens, tokens);
  CHECK(prompt == eval.at("prompt_len"));
  CHECK(answer == eval.at("answer"));
  auto const ids = tokenizer.encode(answer);
  CHECK(ids == eval.at("answer_ids").get<Ids>());
  auto const padding = needle::padding(prompt, std::ssize(ids), 1);
  CHECK(padding.count == eval.at("pad_count"));
  CHECK(padding.padded == eval.at("total_len_padded"));
  auto const predicted = tokenizer.decode(eval.at("pred_ids").get<Ids>());
  CHECK(predicted == eval.at("pred"));
  bool const right = needle::matches(predicted, answer);
  CHECK(eval.at("correct") == (right ? 1 : 0));
  return right;
}

std::int64_t number(json const& args, char const* name) { return args.at(name); }

}  // namespace

TEST_CASE("one needle is laid, asked for and graded as upstream does", "[golden]") {
  auto const golden = golden_json("data/eval_niah_single.json");
  auto const& rules = golden.at("meta").at("rules");
  auto const& tokenizer = vcflash::test::qwen_tokenizer();
  for (auto const& run : golden.at("runs")) {
    auto const& args = run.at("args");
    INFO(args.dump());
    std::size_t asked = 0;
    auto results = nlohmann::ordered_json::array();
    for (auto frames = number(args, "min_frame_num"); frames <= number(args, "max_frame_num");
         frames += number(args, "frame_interval")) {
      for (double const depth : needle::depths(args.at("depth_interval"))) {
        std::vector<bool> right;
        for (auto const& row : run.at("rows")) {
          INFO("question " << asked);
          REQUIRE(asked < run.at("evals").size());
          right.push_back(check_question(needle::single_hop(tokenizer, row.at("question"), depth,
                                                            frames, number(args, "haystack_len")),
                                         row.at("answer"), run["evals"][asked++],
                                         rules.at("haystack_tokens_per_frame_in_this_golden")));
          CHECK(needle_tokens_of(run["evals"][asked - 1]) ==
                rules.at("needle_tokens_in_this_golden"));
        }
        results.push_back(needle::single_hop_result(frames, depth, right));
      }
    }
    CHECK(asked == run.at("evals").size());
    CHECK(json(results) == run.at("results"));
    CHECK_THAT(needle::average_score(results), vcflash::test::near(run.at("average")));
  }
}

TEST_CASE("many needles are laid, asked for and graded as upstream does", "[golden]") {
  auto const golden = golden_json("data/eval_niah_multi.json");
  auto const& tokenizer = vcflash::test::qwen_tokenizer();
  for (auto const& run : golden.at("runs")) {
    auto const& args = run.at("args");
    INFO(args.dump());
    std::size_t asked = 0;
    auto results = nlohmann::ordered_json::array();
    for (auto frames = number(args, "min_frame_num"); frames <= number(args, "max_frame_num");
         frames += number(args, "frame_interval")) {
      std::vector<bool> caption, detail;
      for (std::size_t i = 0; i < run.at("rows").size(); ++i) {
        auto const& row = run["rows"][i];
        auto const needles = std::int64_t(row.at("images").size());
        CHECK(needles == run.at("needle_counts")[i]);
        for (auto const& [number, right] : {std::pair{"1", &caption}, std::pair{"2", &detail}}) {
          INFO("question " << asked);
          REQUIRE(asked < run.at("evals").size());
          auto const layout = needle::multi_hop(tokenizer, row.at(std::string("question") + number),
                                                frames, needles);
          right->push_back(check_question(layout, row.at(std::string("answer") + number),
                                          run["evals"][asked++]));
        }
      }
      results.push_back(needle::multi_hop_result(frames, caption, detail));
    }
    CHECK(asked == run.at("evals").size());
    CHECK(json(results) == run.at("results"));
  }
  for (auto const& geometry : golden.at("meta").at("geometry")) {
    INFO(geometry.dump());
    auto const frames = number(geometry, "num_frames"), needles = number(geometry, "needles");
    if (geometry.contains("error")) {
      CHECK_THROWS_AS(needle::segments(frames, needles), vcflash::InputError);
    } else {
      CHECK(json(needle::segments(frames, needles)) == geometry.at("segments"));
    }
  }
  for (auto const& expected : golden.at("meta").at("haystack")) {
    INFO(expected.dump());
    auto const make = [&] {
      return needle::haystack(number(expected, "video_len"), expected.at("avg_fps"),
                              number(expected, "sampled_frames_num"));
    };
    if (expected.contains("error")) {
      CHECK(expected.at("step") == 0);
      CHECK_THROWS_AS(make(), vcflash::InputError);
      continue;
    }
    auto const hay = make();
    CHECK(hay.step == expected.at("step"));
    CHECK(hay.candidates == expected.at("candidates"));
    CHECK(hay.twice == expected.at("double"));
    CHECK(hay.most_batches == expected.at("total_batches"));
    CHECK(hay.batches == expected.at("batches_processed"));
    CHECK(hay.last_batch == expected.at("last_batch_size"));
    CHECK(hay.frames == expected.at("frames"));
  }
}

TEST_CASE("depths, prompts, padding and matching are upstream's", "[golden]") {
  auto const golden = golden_json("data/eval_niah_single.json");
  auto const& meta = golden.at("meta");
  CHECK(meta.at("all_templates").size() == needle::prompt_templates.size());
  for (auto const& prompt : needle::prompt_templates) {
    auto const& expected = meta["all_templates"].at(std::string(prompt.name));
    CHECK(expected == json{{"preprompt", prompt.before}, {"postprompt", prompt.behind}});
  }
  CHECK(meta.at("prompt_template") == json{{"preprompt", needle::qwen2_template.before},
                                           {"postprompt", needle::qwen2_template.behind}});
  for (auto const& grid : meta.at("depth_grid")) {
    INFO(grid.at("depth_interval"));
    auto const depths = needle::depths(grid.at("depth_interval"));
    CHECK(depths == grid.at("depths").get<std::vector<double>>());
    std::vector<double> reported;
    for (double const depth : depths) reported.push_back(needle::reported_depth(depth));
    CHECK(reported == grid.at("reported").get<std::vector<double>>());
    for (auto const& [frames, places] : grid.at("index_at").items()) {
      Ids found;
      for (double const depth : depths) {
        found.push_back(needle::frames_before(depth, std::stoll(frames)));
      }
      CHECK(found == places.get<Ids>());
    }
  }
  for (auto const& pair : meta.at("match")) {
    INFO(pair.dump());
    CHECK(needle::matches(pair.at("pred").get<std::string>(),
                          pair.at("answer").get<std::string>()) == pair.at("correct"));
  }
  for (auto const& shared : meta.at("sequence_parallel_arithmetic")) {
    INFO(shared.dump());
    auto const padding = needle::padding(number(shared, "prompt_len"), number(shared, "answer_len"),
                                         number(shared, "sp_size"));
    CHECK(padding.count == shared.at("pad"));
    CHECK(padding.padded == shared.at("padded_len"));
    CHECK(padding.per_process == shared.at("per_rank"));
    CHECK(json{padding.from, padding.to} == shared.at("slice"));
    CHECK(padding.to - padding.from == shared.at("slice_len"));
    CHECK(shared.at("answer_fully_in_last_rank") ==
          (number(shared, "prompt_len") - 1 >=
           padding.per_process * (number(shared, "sp_size") - 1)));
  }
}

TEST_CASE("a needle needs depths and company", "[unit]") {
  CHECK_THROWS_AS(needle::depths(0), vcflash::InputError);
  CHECK_THROWS_AS(needle::segments(10, 1), vcflash::InputError);
  CHECK(needle::average_score(nlohmann::ordered_json::array()) == 0);
}

TEST_CASE("strictly, white space and brackets around an answer are no part of it", "[unit]") {
  using vcflash::eval::Scoring;
  CHECK_FALSE(needle::matches(" Red", "red"));
  CHECK(needle::matches(" Red", "red", Scoring::strict));
  CHECK_FALSE(needle::matches("(a) cat", "(A) cat"));
  CHECK(needle::matches("(a) cat", "(A) cat", Scoring::strict));
  CHECK_FALSE(needle::matches(" red cross", "red", Scoring::strict));
  CHECK_FALSE(needle::matches("", "red", Scoring::strict));
}
