#pragma once

#include <vcflash/meta/reflect.hpp>

#include <map>
#include <sstream>
#include <string>

#include "tests/support/golden.hpp"

/// Keys with their shapes, "3584,1024", of published checkpoints and of the models compiled here.
namespace vcflash::test {

/// \param name of a manifest, e.g. "qwen2-7b"
inline std::map<std::string, std::string> published_keys(std::string const& name) {
  std::map<std::string, std::string> keys;
  std::istringstream rows(golden_text("manifests/" + name + ".tsv"));
  for (std::string key, dtype, shape; rows >> key >> dtype >> shape;) keys[key] = shape;
  return keys;
}

template <class Model>
std::map<std::string, std::string> compiled_keys() {
  std::map<std::string, std::string> keys;
  for (auto const& [key, shape] : keys_of<Model>()) {
    std::ostringstream text;
    for (std::size_t i = 0; i < shape.size(); ++i) text << (i ? "," : "") << shape[i];
    keys[key] = text.str();
  }
  return keys;
}

}  // namespace vcflash::test
