#include <vcflash/recipe/keys.hpp>

#include <catch2/catch_test_macros.hpp>
#include <map>
#include <string>

#include "recipes/models/videochat_flash_qwen2_5_2b_res448.hpp"
#include "recipes/models/videochat_flash_qwen2_5_7b_1m_res224.hpp"
#include "recipes/models/videochat_flash_qwen2_5_7b_internvideo2_1b.hpp"
#include "recipes/models/videochat_flash_qwen2_7b_res224.hpp"
#include "recipes/models/videochat_flash_qwen2_7b_res448.hpp"
#include "tests/support/golden_manifest.hpp"

using namespace vcflash;
using namespace recipes::models;

namespace {

/// The whole list, the counts of all parts, and the connector's own file.
template <Model M>
void check_released(std::string const& name, std::string const& connector_file) {
  CAPTURE(name);
  test::check_published<typename M::Network>(name);
  CHECK(checkpoint_keys<M>() == test::golden_text("manifests/" + name + ".tsv"));

  auto const parts = test::golden_json("manifests/manifests.json").at(name).at("parts");
  CHECK(parts.at("encoder").get<std::int64_t>() == parameter_count<typename M::Encoder>);
  CHECK(parts.at("connector").get<std::int64_t>() == parameter_count<typename M::Connector>);
  CHECK(parts.at("llm").get<std::int64_t>() == parameter_count<typename M::Llm>);

  std::map<std::string, std::string> connector;
  for (auto const& [key, shape] : test::compiled_keys<typename M::Connector>()) {
    connector["model.mm_projector." + key] = shape;
  }
  CHECK(connector == test::published_keys(connector_file));
}

}  // namespace

TEST_CASE("the released models have the published keys, types, shapes and counts", "[golden]") {
  check_released<videochat_flash_qwen2_7b_res224>("videochat-flash-qwen2-7b_res224",
                                                  "mm_projector.bin_1024-3584");
  check_released<videochat_flash_qwen2_7b_res448>("videochat-flash-qwen2-7b_res448",
                                                  "mm_projector.bin_1024-3584");
  check_released<videochat_flash_qwen2_5_7b_1m_res224>("videochat-flash-qwen2_5-7b-1m_res224",
                                                       "mm_projector.bin_1024-3584");
  check_released<videochat_flash_qwen2_5_2b_res448>("videochat-flash-qwen2_5-2b_res448",
                                                    "mm_projector.bin_1024-1536");
  check_released<videochat_flash_qwen2_5_7b_internvideo2_1b>(
      "videochat-flash-qwen2_5-7b_internvideo2-1b", "mm_projector.bin_1408-3584");
}
