#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <tests/support/folder.hpp>
#include <tests/support/golden.hpp>

/// Makes the seeds of the fuzz targets from the golden files: `fuzz-corpus FOLDER` writes
/// FOLDER/<target>/<number>.
namespace {

using namespace vcflash;
namespace fs = std::filesystem;

class Corpus {
 public:
  explicit Corpus(fs::path root) : root_(std::move(root)) {}

  void add(std::string const& target, std::string_view bytes) {
    fs::create_directories(root_ / target);
    std::ofstream(root_ / target / std::to_string(count_++), std::ios::binary) << bytes;
  }

  /// The files of a golden folder and those below it, up to a size.
  void add_files(std::string const& target, std::string const& folder) {
    constexpr std::uintmax_t most = 64 << 10;
    for (auto const& entry : fs::recursive_directory_iterator(test::golden_folder(folder)))
      if (entry.is_regular_file() && entry.file_size() <= most)
        add(target, test::read_file(entry.path()));
  }

 private:
  fs::path root_;
  int count_ = 0;
};

void add_tokenizers(Corpus& corpus) {
  std::string const folder = "data/tokenizer/tiny512/";
  auto const text = [&](char const* name) { return test::golden_text(folder + name); };
  std::string const zero(1, '\0');
  auto const config = text("tokenizer_config.json");
  corpus.add("tokenizer", text("tokenizer.json") + zero + config + zero + zero + zero + "a 猫");
  corpus.add("tokenizer", zero + config + zero + text("vocab.json") + zero + text("merges.txt"));
  for (auto const* const family : {"llama_3", "qwen_3", "smollm2"}) {
    auto const file = test::source_root() / "tests/text/families" / family / "tokenizer.json";
    corpus.add("tokenizer", test::read_file(file) + zero + zero + zero + zero + "a 12 猫");
  }
}

void add_chats(Corpus& corpus) {
  for (auto const& row : test::golden_jsonl("data/chat_labels.jsonl")) {
    if (!row.at("sample").is_object()) continue;
    auto sample = row.at("sample");
    sample["id"] = row.value("time_msg", "");
    corpus.add("chat", sample.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

/// The files of recipes/benchmarks, each with golden rows and answers.
void add_benchmarks(Corpus& corpus) {
  auto const golden = nlohmann::json::parse(test::golden_text("data/eval_more.json"));
  std::string const zero(1, '\0');
  for (auto const& entry : fs::directory_iterator(test::source_root() / "recipes/benchmarks")) {
    auto const& rows = golden.at(entry.path().stem().string()).at("rows");
    for (std::size_t i = 0; i < 4; ++i) {
      auto row = rows[i].at("doc");
      row["uid"] = "u";
      auto const answer = rows[i].at("samples")[0].at("response").get<std::string>();
      corpus.add("benchmark",
                 test::read_file(entry.path()) + zero + "[" + row.dump() + "]" + zero + answer);
    }
  }
  std::string const file =
      "rows.file = 'r'\n[columns]\nvideo = 'v'\nquestion = 'q'\nanswer = 'a'\n";
  std::string const rows = zero + "v,q,a,o\nx,\"y\n\",\"1,2\",\"[\"\"a\"\"]\"\n" + zero + "1 - 2";
  for (auto const* more :
       {"options = 'o'", "options = ['o', 'q']\nid = '{v}'\nanswer_is = 'text'",
        "task = 'v'\n[score]\nrule = 'exact'\nmean_of_tasks = true", "[score]\nrule = 'contains'",
        "[score]\nrule = 'span'", "[score]\nrule = 'number'\nmean_relative_accuracy = true"}) {
    corpus.add("benchmark", file + more + rows);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fuzz-corpus FOLDER\n";
    return 2;
  }
  fs::remove_all(argv[1]);
  Corpus corpus(argv[1]);
  corpus.add_files("annotation", "data/data_yaml/annotations");
  for (auto const& entry : fs::directory_iterator(test::golden_folder("data/data_yaml")))
    if (entry.path().extension() == ".yaml") corpus.add("mixture", test::read_file(entry.path()));
  add_tokenizers(corpus);
  add_chats(corpus);
  add_benchmarks(corpus);
  corpus.add_files("image", "data/pixels");
  corpus.add_files("video", "data/videos");
  corpus.add_files("subtitles", "data/eval_fixtures");
  corpus.add_files("subtitles", "data/eval_fixtures_synth");
  corpus.add_files("safetensors", "model/safetensors_bad");
  corpus.add_files("torch_file", "model/pt_files");
}
