#include <vcflash/data/lengths.hpp>

#include <cstdint>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::data;

TEST_CASE("an order's lengths are words, with the sign of the modality or the medium's tokens",
          "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("a.png", "x");
  folder.write("rows.jsonl",
               R"({"conversations": [{"from": "human", "value": "a b c"}]})"
               "\n"
               R"({"image": "a.png", "conversations": [{"from": "human", "value": "<image> b"}]})");
  Mixture const mixture(
      folder.write("mix.yaml", "datasets: [{json_path: rows.jsonl, media_type: any}]"));
  CHECK(lengths_of(mixture, Order::grouped, 8) == std::vector<std::int64_t>{-3, 2});
  CHECK(lengths_of(mixture, Order::length, 8) == std::vector<std::int64_t>{3, 130});
}
