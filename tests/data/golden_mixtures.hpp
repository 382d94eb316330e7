#pragma once

#include <string>

#include "tests/support/golden.hpp"

namespace vcflash::test {

/// What upstream made of the mixtures in data/data_yaml. The file holds halves of surrogate pairs,
/// which are no text.
inline nlohmann::json golden_mixtures() {
  auto text = golden_text("data/data_yaml/expected.json");
  for (auto at = text.find("\\ud8"); at != text.npos; at = text.find("\\ud8", at + 6))
    if (text.compare(at + 6, 2, "\\u") != 0) text.replace(at, 6, "\\ufffd");
  return nlohmann::json::parse(text);
}

}  // namespace vcflash::test
