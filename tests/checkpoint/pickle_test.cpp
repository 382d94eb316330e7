#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vcflash/checkpoint/pickle.hpp>

using namespace std::string_view_literals;
using namespace vcflash;
using namespace vcflash::checkpoint;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using Kind = PickleValue::Kind;

namespace {
Pickle pickle_of(std::string_view program) {
  return read_pickle(std::as_bytes(std::span(program)));
}
}  // namespace

TEST_CASE("plain values are built: {'a': (1, -2, 2.5, None, True)}", "[unit]") {
  auto const pickle =
      pickle_of("\x80\x02}q\0(X\x01\0\0\0a(K\x01J\xfe\xff\xff\xffG\x40\x04\0\0\0\0\0\0N\x88tu."sv);
  auto const& root = pickle[pickle.root];
  REQUIRE(root.kind == Kind::dictionary);
  REQUIRE(root.items.size() == 2);
  CHECK(pickle[root.items[0]].text == "a");
  auto const& tuple = pickle[root.items[1]];
  REQUIRE(tuple.items.size() == 5);
  CHECK(pickle[tuple.items[0]].integer == 1);
  CHECK(pickle[tuple.items[1]].integer == -2);
  CHECK(pickle[tuple.items[2]].real == 2.5);
  CHECK(pickle[tuple.items[3]].kind == Kind::none);
  CHECK(pickle[tuple.items[4]].integer == 1);
}

TEST_CASE("long numbers are read with their sign", "[unit]") {
  auto const positive = pickle_of("\x80\x02\x8a\x06\0\0\0\0\0\x01."sv);
  CHECK(positive[positive.root].integer == 1'099'511'627'776);
  auto const negative = pickle_of("\x80\x02\x8a\x02\x00\xff."sv);
  CHECK(negative[negative.root].integer == -256);
}

TEST_CASE("a name that no tensor needs is refused and nothing is called", "[unit]") {
  CHECK_THROWS_MATCHES(pickle_of("\x80\x02"
                                 "cposix\nsystem\nX\x04\0\0\0true\x85R."sv),
                       InputError, MessageMatches(ContainsSubstring("posix.system")));
}

TEST_CASE("programs that work on nothing are refused", "[unit]") {
  for (auto const program : {"."sv, "t."sv, "u."sv, "s."sv, "R."sv, "b."sv, "q\0"sv, "h\x01."sv,
                             "\x85."sv, "(."sv, "Q."sv, "]K\x01s."sv,
                             "}K\x01"
                             "a."sv,
                             "}(K\x01u."sv, "K\x01K\x02R."sv, "X\xff\xff\xff\xffx."sv}) {
    CAPTURE(std::string(program));
    CHECK_THROWS_AS(pickle_of(program), InputError);
  }
}

TEST_CASE("a program that only remembers is refused before it grows", "[unit]") {
  auto const program = "\x80\x04N" + std::string(100'000, '\x94') + ".";
  CHECK_THROWS_MATCHES(pickle_of(program), InputError,
                       MessageMatches(ContainsSubstring("more references than values")));
}

TEST_CASE("a list that holds itself is a value like others", "[unit]") {
  auto const pickle = pickle_of("]q\0h\0a."sv);
  CHECK(pickle[pickle.root].items == std::vector<std::size_t>{pickle.root});
}
