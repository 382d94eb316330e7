#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tests/fuzz/fuzz.hpp>
#include <vcflash/eval/benchmark_file.hpp>

using namespace vcflash;

/// Three texts with a zero byte between them: a benchmark's file, its rows, and an answer to all of
/// them. The rows are read as each kind of file.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::array<std::string_view, 3> texts;
  std::string_view rest = fuzz::text_of(data, size);
  for (auto& text : texts) {
    auto const end = std::min(rest.find('\0'), rest.size());
    text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  fuzz::refused_or([&] {
    auto spec = eval::parse_benchmark(texts[0], "fuzz.toml");
    for (std::string const file : {"rows.json", "rows.jsonl", "rows.csv", "rows.tsv"}) {
      spec.rows.files = {file};
      auto const folder = fuzz::as_file(file, texts[1]).parent_path();
      fuzz::refused_or([&] {
        auto const questions = eval::read_questions(spec, folder, folder);
        for (auto const scoring : {eval::Scoring::upstream, eval::Scoring::strict}) {
          eval::FileBenchmark const exam(spec, questions, scoring);
          std::vector<eval::Said> const said(exam.size(), {.text = std::string(texts[2])});
          auto const answers = exam.graded(said);
          for (auto const& answer : answers) fuzz::require(answer.score >= 0 && answer.score <= 1);
          for (std::size_t i = 0; i < exam.size(); ++i) exam.record(i);
          exam.aggregate(answers);
        }
      });
    }
  });
  return 0;
}
