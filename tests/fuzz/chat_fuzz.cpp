#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <simdjson.h>

#include <tests/fuzz/fuzz.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/base/chat_template.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/collate.hpp>
#include <vcflash/data/row_reader.hpp>
#include <vcflash/text/chat.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/text/turns.hpp>

using namespace vcflash;

namespace {

void encode(text::Tokenizer const& tokenizer, data::Row const& row, bool has_media) {
  auto turns = row.turns;
  if (has_media) text::place_media(turns, {row.id, row.read_type == "img"});
  for (auto const& chat : all_chat_templates) {
    fuzz::refused_or([&] {
      auto encoded = text::encode_conversation(tokenizer, chat, turns, has_media);
      auto const& [ids, labels] = encoded;
      fuzz::require(ids.size() == labels.size());
      for (std::size_t i = 0; i < ids.size(); ++i) {
        bool const medium = ids[i] == media_placeholder;
        fuzz::require(medium || (ids[i] >= 0 && ids[i] < tokenizer.vocabulary()));
        fuzz::require(medium || labels[i] == ignore_label || labels[i] == ids[i]);
      }
      data::cut(encoded, 100);
      if (auto const padding = tokenizer.id_of(chat.end_of_text)) {
        data::leave_out_padding(encoded, *padding);
      }
      fuzz::require(encoded.input_ids.size() == encoded.labels.size());
    });
    fuzz::refused_or([&] { text::encode_prompt(tokenizer, chat, turns); });
  }
}

}  // namespace

/// Bytes as an annotated row, whose turns become ids and labels. Its id stands for the time
/// message.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static std::array const tokenizers{
      text::Tokenizer::from_folder(test::golden_folder("data/tokenizer/tiny512")),
      text::Tokenizer::from_folder(test::source_root() / "tests/text/families/llama_3")};
  std::string padded(fuzz::text_of(data, size));
  padded.append(simdjson::SIMDJSON_PADDING, ' ');
  data::Row row;
  try {
    data::RowReader reader;
    row = reader.read(std::string_view(padded).substr(0, size)).row(0);
  } catch (simdjson::simdjson_error const&) {
    return 0;
  }
  if (!row.problem.empty()) return 0;
  for (auto const& tokenizer : tokenizers) {
    encode(tokenizer, row, true);
    encode(tokenizer, row, false);
  }
  return 0;
}
