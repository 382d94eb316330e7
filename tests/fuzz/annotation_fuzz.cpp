#include <cstddef>
#include <cstdint>
#include <string>

#include <simdjson.h>

#include <tests/fuzz/fuzz.hpp>
#include <vcflash/data/annotation.hpp>
#include <vcflash/data/row_reader.hpp>

using namespace vcflash;

namespace {

void read_rows(std::string const& name, std::string_view bytes) {
  fuzz::refused_or([&] {
    data::AnnotationFile const file(fuzz::as_file(name, bytes));
    for (std::int64_t i = 0; i < file.size(); ++i) {
      auto const row = file.row(i);
      bool const broken = file.entry(i).broken != 0;
      fuzz::require(broken == !row.problem.empty());
      if (broken) continue;
      fuzz::require(file.entry(i).words == data::words_of(row));
      fuzz::require(row.modality != Modality::text || row.media.empty());
      for (auto const& path : row.media) data::leaves_root(path);
    }
  });
}

}  // namespace

/// Bytes as one row, and as whole annotation files of both kinds.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const bytes = fuzz::text_of(data, size);
  std::string padded(bytes);
  padded.append(simdjson::SIMDJSON_PADDING, ' ');
  data::RowReader reader;
  try {
    reader.read(std::string_view(padded).substr(0, size)).row(0);
  } catch (simdjson::simdjson_error const&) {
    reader.location();
  }
  read_rows("rows.json", bytes);
  read_rows("rows.jsonl", bytes);
  return 0;
}
