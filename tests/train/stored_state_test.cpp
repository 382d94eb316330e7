#include <vcflash/train/stored_state.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/folder.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::train;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

Tensor numbers(std::int64_t begin, std::int64_t end) { return at::arange(begin, end, at::kFloat); }

}  // namespace

TEST_CASE("any piece comes out of whole tensors and out of other pieces", "[unit]") {
  StoredState const whole({{"first.w", numbers(0, 12).view({3, 4})}});
  StoredState const cut(
      {{"first.w@0", numbers(0, 5)}, {"first.w@5", numbers(5, 6)}, {"first.w@6", numbers(6, 12)}});
  for (auto const* const state : {&whole, &cut}) {
    CHECK(state->size() == 1);
    for (std::int64_t begin = 0; begin < 12; ++begin) {
      for (std::int64_t end = begin + 1; end <= 12; ++end) {
        CAPTURE(begin, end);
        Tensor const piece = state->piece("first.w", {3, 4}, begin, end - begin);
        REQUIRE(piece.defined());
        CHECK(at::equal(piece, numbers(begin, end)));
      }
    }
    CHECK_FALSE(state->piece("second.w", {3, 4}, 0, 1).defined());
    CHECK_FALSE(state->piece("first.w", {3, 5}, 0, 1).defined());
  }
  // As many elements in another shape are another parameter's.
  CHECK_FALSE(whole.piece("first.w", {4, 3}, 0, 1).defined());
}

TEST_CASE("pieces with a gap between them give what is there and nothing else", "[unit]") {
  StoredState const gap({{"first.w@0", numbers(0, 4)}, {"first.w@6", numbers(6, 12)}});
  CHECK(gap.piece("first.w", {12}, 0, 4).defined());
  CHECK(gap.piece("first.w", {12}, 7, 3).defined());
  CHECK_FALSE(gap.piece("first.w", {12}, 0, 5).defined());
  CHECK_FALSE(gap.piece("first.w", {12}, 5, 3).defined());
  for (auto const* const name : {"first.w@x", "first.w@-1", "first.w@"}) {
    CHECK_THROWS_MATCHES(StoredState({{name, numbers(0, 4)}}, "here"), InputError,
                         MessageMatches(ContainsSubstring("here: first.w@")));
  }
}

TEST_CASE("a checkpoint's state is read from one file or from each process's", "[unit]") {
  test::TemporaryFolder const folder;
  CHECK(optimizer_file(0, 1) == "optimizer.safetensors");
  CHECK(optimizer_file(1, 12) == "optimizer-00002-of-00012.safetensors");
  CHECK_THROWS_MATCHES(StoredState::in(folder.path()), InputError,
                       MessageMatches(ContainsSubstring("optimizer.safetensors")));
  checkpoint::write_tensors(folder / optimizer_file(0, 2), {{"first.w@0", numbers(0, 5)}});
  CHECK_THROWS_MATCHES(StoredState::in(folder.path()), InputError,
                       MessageMatches(ContainsSubstring("optimizer-00002-of-00002.safetensors")));
  checkpoint::write_tensors(folder / optimizer_file(1, 2), {{"first.w@5", numbers(5, 8)}});
  CHECK(at::equal(StoredState::in(folder.path()).piece("first.w", {2, 4}, 3, 4), numbers(3, 7)));
}
