#pragma once

#include <vcflash/meta/reflect.hpp>

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/golden.hpp"

/// Keys with their shapes, "3584,1024", of published checkpoints and of the models compiled here.
namespace vcflash::test {

/// \param name of a manifest, e.g. "qwen2-7b"
inline std::map<std::string, std::string> published_keys(std::string const& name) {
  std::map<std::string, std::string> keys;
  std::istringstream rows(golden_text("manifests/" + name + ".tsv"));
  for (std::string key, dtype, shape; rows >> key >> dtype >> shape;) {
    CHECK((dtype == "BF16" || dtype == "any"));
    keys[key] = shape;
  }
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

/// Compares a model's keys and the number of its parameters with a manifest. A tied model may store
/// its output layer again.
template <class Model>
void check_published(std::string const& name) {
  CAPTURE(name);
  auto const entry = golden_json("manifests/manifests.json").at(name);
  auto published = published_keys(name);
  CHECK(published.size() == entry.at("keys").get<std::size_t>());
  for (auto const& key : entry.value("optional_keys", std::vector<std::string>{})) {
    published.erase(key);
  }
  CHECK(compiled_keys<Model>() == published);
  CHECK(entry.at("parameters").get<std::int64_t>() == parameter_count<Model>);
}

}  // namespace vcflash::test
