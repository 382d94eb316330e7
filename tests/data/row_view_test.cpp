#include <vcflash/data/row_view.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;
using namespace vcflash::data;

TEST_CASE("the first thing that is wrong with a row is its problem", "[unit]") {
  RowView view;
  view.turns.push_back({.from = "human", .value = "two words", .role = {}, .content = {}});
  view.media.push_back("a.mp4");
  view.modality = Modality::video;
  CHECK(view.words() == 2);
  CHECK(view.row(5).turns.size() == 1);
  view.blame("has {} of {}", 1, "them");
  view.blame("has more");
  CHECK(view.problem == "has 1 of them");
  Row const row = view.row(5);
  CHECK(row.number == 5);
  CHECK(row.problem == view.problem);
  CHECK(row.turns.empty());
  view.clear();
  CHECK(view.problem.empty());
  CHECK(view.media.empty());
  CHECK(view.modality == Modality::text);
}
