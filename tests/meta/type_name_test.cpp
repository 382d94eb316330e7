#include <vcflash/meta/type_name.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

namespace outer::inner {
struct some_recipe {};
template <class T>
struct Pair {};
}  // namespace outer::inner

namespace {
struct Hidden {};
}  // namespace

TEST_CASE("a type's name is the last that it was declared with", "[unit]") {
  STATIC_CHECK(type_name<outer::inner::some_recipe>() == "some_recipe");
  STATIC_CHECK(type_name<outer::inner::Pair<outer::inner::some_recipe>>() == "Pair");
  STATIC_CHECK(type_name<Hidden>() == "Hidden");
  STATIC_CHECK(type_name<int>() == "int");
}
