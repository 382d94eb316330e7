#pragma once

#include <utf8proc.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include <vcflash/base/error.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::text {

/// Code points that composition leaves alone wherever they stand: they are in NFC, have combining
/// class 0 and are no second half of a composition. The blocks most text is made of, not all.
constexpr bool is_inert_in_nfc(char32_t c) {
  return c < 0x300 || (c >= 0x400 && c <= 0x482) || (c >= 0x2010 && c <= 0x205E) ||
         (c >= 0x3000 && c <= 0x3029) || (c >= 0x3041 && c <= 0x3096) ||
         (c >= 0x309B && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) ||
         (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xFF01 && c <= 0xFF60) ||
         (c >= 0x1F300 && c <= 0x1FAFF);
}

/// Canonical composition (Unicode's NFC). The usual text is in it already and is not copied.
/// \param text valid UTF-8  \param storage what the result lives in where it differs from `text`
/// \return `text` itself or a view of `storage`
inline std::string_view nfc(std::string_view text, std::string& storage) {
  bool inert = true;
  for (auto rest = text; inert;) {
    rest.remove_prefix(ascii_prefix(rest));
    if (rest.empty()) break;
    auto const step = next_code_point(rest);
    inert = is_inert_in_nfc(step.code_point);
    rest.remove_prefix(step.bytes);
  }
  if (inert) return text;
  utf8proc_uint8_t* composed = nullptr;
  auto const length =
      utf8proc_map(reinterpret_cast<utf8proc_uint8_t const*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &composed,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> const owner(composed, &std::free);
  if (length < 0) fail<Error>("a text cannot be normalized: ", utf8proc_errmsg(length));
  storage.assign(reinterpret_cast<char const*>(composed), static_cast<std::size_t>(length));
  return storage;
}

}  // namespace vcflash::text
