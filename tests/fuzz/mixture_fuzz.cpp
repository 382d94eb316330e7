#include <cstddef>
#include <cstdint>
#include <string_view>

#include <tests/fuzz/fuzz.hpp>
#include <vcflash/data/mixture_file.hpp>

using namespace vcflash;

/// Bytes as a mixture file, and what its sampling strategies take of files of several lengths.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::refused_or([&] {
    auto const sets = data::read_mixture_file(fuzz::as_file("mix.yaml", fuzz::text_of(data, size)));
    for (auto const& set : sets) {
      for (std::int64_t const rows : {1, 7, 1'000'000}) {
        fuzz::refused_or([&] {
          auto const [first, count] = data::detail::slice_of(
              set.sampling_strategy, rows,
              [](std::string_view why) { throw InputError(std::string(why)); });
          fuzz::require(first >= 0 && count > 0 && first + count <= rows);
        });
      }
    }
  });
  return 0;
}
