#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <tests/fuzz/fuzz.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/text/utf8.hpp>

using namespace vcflash;

/// Bytes as the files of a tokenizer, a zero byte between them; a file that is empty is not there.
/// A tokenizer that is taken encodes and decodes.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto rest = fuzz::text_of(data, size);
  std::filesystem::path folder;
  for (std::string const name :
       {"tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"}) {
    auto const end = std::min(rest.find('\0'), rest.size());
    auto const path = fuzz::as_file("tokenizer/" + name, rest.substr(0, end));
    folder = path.parent_path();
    if (end == 0) std::filesystem::remove(path);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  fuzz::refused_or([&] {
    auto const tokenizer = text::Tokenizer::from_folder(folder);
    for (std::string_view const text :
         {std::string_view("<|im_start|>user\n  It's 12:30, naïve 猫!\u0301<|im_end|>\n"),
          std::string_view("\xff\xfe broken \xf0\x9f", 12), rest}) {
      fuzz::refused_or([&] {
        auto const ids = tokenizer.encode(text);
        for (auto const id : ids) fuzz::require(id >= 0 && id < tokenizer.vocabulary());
        auto const around = tokenizer.ids_before().size() + tokenizer.ids_behind().size();
        auto const whole = tokenizer.encode_whole(text);
        fuzz::require(whole.size() == ids.size() + around);
        for (auto const id : whole) fuzz::require(id >= 0 && id < tokenizer.vocabulary());
        fuzz::require(text::is_valid_utf8(tokenizer.decode(ids)));
      });
    }
  });
  return 0;
}
