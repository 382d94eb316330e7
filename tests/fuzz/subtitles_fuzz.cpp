#include <cstddef>
#include <cstdint>

#include <nlohmann/json.hpp>

#include <tests/fuzz/fuzz.hpp>
#include <vcflash/eval/subtitles.hpp>
#include <vcflash/text/utf8.hpp>

using namespace vcflash;

/// Bytes as the subtitles of Video-MME (SubRip) and of LongVideoBench (JSON).
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const bytes = fuzz::text_of(data, size);
  fuzz::refused_or([&] {
    auto const said = eval::read_text(fuzz::as_file("said.srt", bytes));
    fuzz::require(text::is_valid_utf8(said) && said.find('\r') == said.npos);
    for (auto const& line : eval::white_lines(said)) fuzz::require(line.size() < said.size());
  });
  fuzz::refused_or([&] {
    try {
      eval::subtitles_on_frames(nlohmann::ordered_json::parse(bytes),
                                eval::subtitle_frame_times(12.5, 8), 1.5, 12.5);
    } catch (nlohmann::json::exception const&) {  // the benchmark says so, naming the file
    }
  });
  return 0;
}
