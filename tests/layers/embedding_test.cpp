#include <vcflash/layers/embedding.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/tensor.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("an id gives its row of the table", "[unit]") {
  Embedding<7, 4> table;
  initialize(table, {}, 1);
  at::Tensor const rows = table(at::tensor(std::vector<std::int64_t>{3, 0}));
  CHECK(rows[0].equal(table.weight.value[3]));
  CHECK(rows[1].equal(table.weight.value[0]));
}
