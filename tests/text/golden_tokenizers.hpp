#pragma once

#include <sstream>
#include <string>
#include <vector>

#include <tests/support/folder.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/text/byte_map.hpp>
#include <vcflash/text/pretokenizer.hpp>
#include <vcflash/text/tokenizer.hpp>

namespace vcflash::test {

using Ids = std::vector<std::int64_t>;

/// Qwen2.5's tokenizer, from its unpacked tokenizer.json.
inline text::Tokenizer const& qwen_tokenizer() {
  static auto const tokenizer = [] {
    TemporaryFolder const folder;
    folder.write("tokenizer.json", golden_text("data/tokenizer/qwen2_5/tokenizer.json.gz"));
    return text::Tokenizer::from_folder(folder.path());
  }();
  return tokenizer;
}

/// The golden tokenizer of 512 ids, from its tokenizer.json.
inline text::Tokenizer const& tiny_tokenizer() {
  static auto const tokenizer = [] {
    TemporaryFolder const folder;
    folder.write("tokenizer.json", golden_text("data/tokenizer/tiny512/tokenizer.json"));
    return text::Tokenizer::from_folder(folder.path());
  }();
  return tokenizer;
}

/// A file of tests/text/families: tokenizers in the form of other families' own, of some 400 tokens
/// each, and what Hugging Face's `tokenizers` and the families' chat templates make with them.
inline std::string family_text(std::string const& relative) {
  return read_file(source_root() / "tests/text/families" / relative);
}

inline std::vector<nlohmann::json> family_rows(std::string const& relative) {
  std::vector<nlohmann::json> rows;
  std::istringstream lines(family_text(relative));
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

/// \param family "llama_3", "qwen_3" or "smollm2"
inline text::Tokenizer family_tokenizer(std::string const& family) {
  TemporaryFolder const folder;
  folder.write("tokenizer.json", family_text(family + "/tokenizer.json"));
  return text::Tokenizer::from_folder(folder.path());
}

/// The files of a small byte-level tokenizer ("ab" is a merge), for tests that break them.
inline nlohmann::json small_tokenizer_json() {
  nlohmann::json vocabulary = nlohmann::json::object();
  std::int64_t id = 0;
  for (auto const byte : text::bytes_in_vocabulary_order) {
    vocabulary[text::spelled(std::string(1, static_cast<char>(byte)))] = id++;
  }
  vocabulary["ab"] = id++;
  nlohmann::json const byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  return {{"version", "1.0"},
          {"added_tokens",
           {{{"id", id}, {"content", "<|im_end|>"}, {"special", true}, {"normalized", false}}}},
          {"normalizer", {{"type", "NFC"}}},
          {"pre_tokenizer",
           {{"type", "Sequence"},
            {"pretokenizers",
             {{{"type", "Split"},
               {"pattern", {{"Regex", std::string(text::qwen_split_pattern)}}},
               {"behavior", "Isolated"},
               {"invert", false}},
              byte_level}}}},
          {"post_processor", byte_level},
          {"decoder", byte_level},
          {"model",
           {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", nlohmann::json::array({"a b"})}}}};
}

}  // namespace vcflash::test
