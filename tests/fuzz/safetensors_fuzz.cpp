#include <cstddef>
#include <cstdint>
#include <span>

#include <tests/fuzz/fuzz.hpp>
#include <vcflash/checkpoint/safetensors_header.hpp>

using namespace vcflash;

/// Bytes as a safetensors file. A header that is taken is the same after writing and reading it.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::refused_or([&] {
    auto const header =
        checkpoint::read_safetensors_header(std::as_bytes(std::span(data, size)), "made-up file");
    auto file = checkpoint::write_safetensors_header(header.entries, header.metadata);
    file += fuzz::text_of(data, size).substr(header.data_begin);
    auto const again =
        checkpoint::read_safetensors_header(std::as_bytes(std::span(file)), "written file");
    fuzz::require(again.metadata == header.metadata &&
                  again.entries.size() == header.entries.size());
    for (std::size_t i = 0; i < header.entries.size(); ++i) {
      auto const &one = header.entries[i], &other = again.entries[i];
      fuzz::require(one.begin == other.begin && one.end == other.end);
    }
  });
  return 0;
}
