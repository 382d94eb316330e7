#include <vcflash/data/collate.hpp>

#include <cstdint>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/golden.hpp"

using namespace vcflash;
using namespace vcflash::data;
using nlohmann::json;

namespace {

std::vector<text::Encoded> conversations_of(json const& row) {
  std::vector<text::Encoded> conversations;
  for (auto const& instance : row.at("instances")) {
    conversations.push_back({instance.at("input_ids").get<std::vector<std::int64_t>>(),
                             instance.at("labels").get<std::vector<std::int64_t>>()});
  }
  return conversations;
}

/// The media of all conversations, one after the other, as the model takes them.
json media_of(json const& row, std::size_t part) {
  json media = json::array();
  for (auto const& instance : row.at("instances"))
    for (auto const& medium : instance.at("media")) media.push_back(medium.at(part));
  return media;
}

}  // namespace

TEST_CASE("a batch is cut, padded and masked as upstream does it", "[golden]") {
  for (auto const& row : test::golden_jsonl("data/collate.jsonl")) {
    REQUIRE(row.at("padding_side") == "right");
    auto const batch =
        collate(conversations_of(row), row.at("model_max_length"), row.at("pad_token_id"));
    CHECK(json(batch.input_ids) == row.at("input_ids"));
    CHECK(json(batch.labels) == row.at("labels"));
    json mask = json::array();
    for (auto const& of_row : batch.attention_mask) {
      mask.push_back(json::array());
      for (bool const seen : of_row) mask.back().push_back(seen ? 1 : 0);
    }
    CHECK(mask == row.at("attention_mask"));
    CHECK(media_of(row, 0) == row.at("image_sizes"));
    CHECK(media_of(row, 1) == row.at("modalities"));
    CHECK(media_of(row, 0).size() == row.at("n_images").get<std::size_t>());
  }
}

TEST_CASE("what upstream's mask lets through is what is kept here", "[golden]") {
  for (auto const& row : test::golden_jsonl("data/collate.jsonl")) {
    auto conversations = conversations_of(row);
    std::int64_t const padding = row.at("pad_token_id");
    for (std::size_t i = 0; i < conversations.size(); ++i) {
      cut(conversations[i], row.at("model_max_length"));
      leave_out_padding(conversations[i], padding);
      std::vector<std::int64_t> ids, labels;
      for (std::size_t t = 0; t < row.at("attention_mask")[i].size(); ++t) {
        if (row.at("attention_mask")[i][t] == 0) continue;
        ids.push_back(row.at("input_ids")[i][t]);
        labels.push_back(row.at("labels")[i][t]);
      }
      CHECK(conversations[i].input_ids == ids);
      CHECK(conversations[i].labels == labels);
    }
  }
}
