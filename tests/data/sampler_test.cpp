#include <vcflash/data/sampler.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/golden.hpp"

using namespace vcflash::data;
using Rows = std::vector<std::int64_t>;

TEST_CASE("permutations are torch's, bit for bit", "[golden]") {
  auto const golden = vcflash::test::golden_json("model/sampler.json");
  for (auto const& row : golden.at("randperm")) {
    CAPTURE(row.at("seed").get<std::uint64_t>(), row.at("n").get<std::int64_t>());
    TorchRandom random(row.at("seed").get<std::uint64_t>());
    auto const n = row.at("n").get<std::int64_t>();
    for (char const* call : {"first", "second_call"}) {
      auto drawn = random.permutation(n);
      if (row.at(call).is_null()) continue;
      auto const expected = row.at(call).get<Rows>();  // of a long one the beginning only
      drawn.resize(std::min(drawn.size(), expected.size()));
      CHECK(drawn == expected);
    }
  }
}

TEST_CASE("raw numbers, 64-bit numbers and a random sampler are torch's", "[golden]") {
  auto const golden = vcflash::test::golden_json("model/sampler.json");
  for (auto const& row : golden.at("raw")) {
    auto const seed = row.at("seed").get<std::uint64_t>();
    CAPTURE(seed);
    TorchRandom random(seed);
    std::vector<std::uint32_t> numbers(630);
    for (auto& number : numbers) number = random.next();
    auto const first = row.at("mt19937_first_8").get<std::vector<std::uint32_t>>();
    auto const later = row.at("mt19937_at_620_to_630").get<std::vector<std::uint32_t>>();
    CHECK(std::equal(first.begin(), first.end(), numbers.begin()));
    CHECK(std::equal(later.begin(), later.end(), numbers.begin() + 620));
    CHECK(std::to_string(TorchRandom(seed).next_int64()) == row.at("int64_random_"));
    TorchRandom again(seed);
    CHECK(random_order(20, again) == row.at("random_sampler_n20").get<Rows>());
    // Whether the reference's generator was itself checked against an independent one.
    CHECK(row.at("own_python_mt_randperm100_equal") == true);
  }
}

TEST_CASE("rows are dealt to chunks as upstream deals them", "[golden]") {
  auto const golden = vcflash::test::golden_json("model/sampler.json");
  for (auto const& row : golden.at("split_to_even_chunks")) {
    auto const chunks =
        split_to_even_chunks(row.at("indices").get<Rows>(), row.at("lengths").get<Rows>(),
                             row.at("num_chunks").get<std::int64_t>());
    CHECK(chunks == row.at("out").get<std::vector<Rows>>());
  }
}

TEST_CASE("rows are grouped by modality and length as upstream groups them", "[golden]") {
  auto const golden = vcflash::test::golden_json("model/sampler.json");
  for (auto const& row : golden.at("samplers")) {
    auto const name = row.at("fn").get<std::string>();
    CAPTURE(name, row.dump());
    auto const lengths = row.at("lengths").get<Rows>();
    auto const batch = row.at("batch_size").get<std::int64_t>();
    auto const world = row.at("world_size").get<std::int64_t>();
    TorchRandom global(row.at("global_seed").get<std::uint64_t>());
    TorchRandom passed(
        row.at("generator_seed").is_null() ? 0 : row.at("generator_seed").get<std::uint64_t>());
    TorchRandom& outer = row.at("generator_seed").is_null() ? global : passed;
    std::map<std::string, std::function<Rows()>> const samplers{
        {"get_length_grouped_indices",
         [&] { return length_grouped(lengths, batch, world, outer); }},
        {"get_modality_length_grouped_indices",
         [&] { return modality_length_grouped(lengths, batch, world, global, outer); }},
        {"get_variable_length_grouped_indices",
         [&] { return variable_length_grouped(lengths, batch, world, outer); }},
        {"get_length_grouped_indices_auto_single",
         [&] { return length_grouped_auto(lengths, batch, world, outer); }},
        {"get_modality_length_grouped_indices_auto",
         [&] { return modality_length_grouped_auto(lengths, batch, world, global, outer); }}};
    CHECK(samplers.at(name)() == row.at("indices").get<Rows>());
  }
}

TEST_CASE("every order visits every row once, and differs from epoch to epoch", "[unit]") {
  Rows const lengths{5, -3, 7, 0, 9, -2, 4, 4, 6, -8, 1, 2, 3};
  Rows const sets{4, 9};
  for (auto const order : all_orders) {
    if (order == Order::grouped_auto) continue;  // leaves some out
    CAPTURE(name_of(order));
    auto const first = epoch_order(order, lengths, sets, 2, 2, 42, 0);
    auto sorted = first;
    std::sort(sorted.begin(), sorted.end());
    Rows all(lengths.size());
    std::iota(all.begin(), all.end(), 0);
    CHECK(sorted == all);
    CHECK(first == epoch_order(order, lengths, sets, 2, 2, 42, 0));
    CHECK(first != epoch_order(order, lengths, sets, 2, 2, 42, 1));
  }
}

TEST_CASE("an epoch by modality and length, longest first, leaves out what it says", "[unit]") {
  Rows lengths;
  for (std::int64_t i = 1; i <= 23; ++i) lengths.push_back(i % 3 == 0 ? -i : i);
  auto const media = std::ranges::count_if(lengths, [](auto length) { return length > 0; });
  auto const text = std::ssize(lengths) - media;
  for (std::int64_t const batch : {1, 2, 3}) {
    auto order = epoch_order(Order::grouped_auto, lengths, {}, batch, 2, 42, 0);
    CHECK(std::ssize(order) == rows_of_epoch(Order::grouped_auto, text, media, batch, 2));
    CHECK(std::ssize(order) < 23);
    std::ranges::sort(order);
    CHECK(std::ranges::adjacent_find(order) == order.end());
  }
  CHECK(rows_of_epoch(Order::grouped_auto, 0, 23, 4, 2) == 23);
  CHECK(rows_of_epoch(Order::grouped, 7, 16, 4, 2) == 23);
}

TEST_CASE("an order is the sampler that it is named after", "[unit]") {
  Rows lengths;
  for (std::int64_t i = 0; i < 40; ++i) lengths.push_back(1 + i * 7 % 40);
  auto const made = [&](Order order) { return epoch_order(order, lengths, {}, 2, 3, 42, 1, 4); };
  auto const random = [] { return TorchRandom(43); };
  auto a = random(), b = random(), c = random();
  CHECK(made(Order::length) == length_grouped_auto(lengths, 2, 3, a));
  CHECK(made(Order::variable_length) == variable_length_grouped(lengths, 2 * 4, 3, b));
  CHECK(made(Order::grouped_auto) == modality_length_grouped_auto(lengths, 2, 3, c, c));
}

TEST_CASE("the order of the mixture keeps sets one after the other", "[unit]") {
  Rows const lengths(60, 3), sets{20, 40};
  auto const order = epoch_order(Order::mixture, lengths, sets, 4, 1, 7, 0);
  CHECK(std::all_of(order.begin(), order.begin() + 20, [](auto row) { return row < 20; }));
  CHECK_FALSE(std::is_sorted(order.begin(), order.begin() + 20));
  CHECK_FALSE(std::is_sorted(order.begin() + 20, order.end()));
}

TEST_CASE("a run has as many steps as its epochs fill", "[unit]") {
  CHECK(steps_of_run(15, 3, 8) == 5);
  CHECK(steps_of_run(1, 1, 8) == 0);
}
