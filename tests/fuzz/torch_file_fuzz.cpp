#include <cstddef>
#include <cstdint>
#include <span>

#include <tests/fuzz/fuzz.hpp>
#include <vcflash/checkpoint/pickle.hpp>
#include <vcflash/checkpoint/zip.hpp>

using namespace vcflash;

namespace {

void run_pickle(std::span<std::byte const> bytes) {
  auto const pickle = checkpoint::read_pickle(bytes);
  fuzz::require(pickle.bytes > 0 && pickle.bytes <= bytes.size());
  fuzz::require(pickle.root < pickle.values.size());
  for (auto const& value : pickle.values)
    for (auto const item : value.items) fuzz::require(item < pickle.values.size());
}

}  // namespace

/// Bytes as a `torch.save`d file: the records of the archive with their pickle, or the pickles of
/// the format before. Tensors are made of them elsewhere (torch_tensors_test.cpp).
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const bytes = std::as_bytes(std::span(data, size));
  fuzz::refused_or([&] {
    for (auto const& record : checkpoint::read_zip(bytes))
      if (record.first.ends_with("/data.pkl")) fuzz::refused_or([&] { run_pickle(record.second); });
  });
  fuzz::refused_or([&] {
    for (auto rest = bytes; !rest.empty();) {
      run_pickle(rest);
      rest = rest.subspan(checkpoint::read_pickle(rest).bytes);
    }
  });
  return 0;
}
