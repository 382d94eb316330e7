#include <vcflash/dist/process_group.hpp>

#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <stdexcept>
#include <thread>

#include <vcflash/base/error.hpp>
#include <vcflash/dist/device.hpp>

#include "tests/dist/as_ranks.hpp"
#include "tests/dist/free_port.hpp"

using namespace vcflash;
using namespace vcflash::dist;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::as_ranks;

TEST_CASE("collectives give every rank the same", "[unit]") {
  for (std::int64_t const size : {2, 3}) {
    auto const failures = as_ranks(size, 30s, [&](ProcessGroup& group) {
      auto const own = static_cast<double>(group.rank() + 1);
      auto const all = static_cast<double>(size * (size + 1) / 2);
      for (auto const dtype : {at::kFloat, at::kBFloat16}) {
        Tensor const summed = at::full({1000}, own, dtype);
        group.all_reduce(summed).wait();
        if (!summed.eq(all).all().item<bool>()) fail("the sum is wrong");
        Tensor const whole = at::empty({size * 3}, dtype);
        group.all_gather(whole, at::full({3}, own, dtype)).wait();
        Tensor const expected =
            at::arange(1, size + 1, dtype).unsqueeze(1).expand({size, 3}).flatten();
        if (!whole.equal(expected)) fail("what was gathered is wrong");
        Tensor const from_first = at::full({5}, own, dtype);
        group.broadcast(from_first).wait();
        if (!from_first.eq(1).all().item<bool>()) fail("rank 0's tensor did not come");
      }
      if (group.sum({own, 1})[0] != all) fail("numbers are not summed");
      if (!group.any(group.rank() == 1) || group.any(false)) fail("any is wrong");
      auto const texts = group.gather_text(group.first() ? "" : std::string(3, 'x'));
      if (std::ssize(texts) != size || texts[0] != "" || texts[1] != "xxx") fail("texts are wrong");
      if (group.gather_text("").at(1) != "") fail("a text came from nowhere");
      group.barrier();
      if (group.seconds_waited() <= 0) fail("nothing was waited for");
    });
    for (auto const& failure : failures) CHECK(failure == "");
  }
}

#ifdef VCFLASH_CUDA
TEST_CASE("tensors on a GPU go through NCCL", "[cuda]") {
  if (at::detail::getCUDAHooks().getNumGPUs() <= 0) SKIP("no GPU here");
  // NCCL takes one rank a GPU; with one GPU that is a group of one.
  auto const device = device_of("cuda", 0);
  ProcessGroup group({.rank = 0, .processes = 1, .port = test::free_port()}, 30s,
                     ProcessGroup::exit_saying, device);
  auto const there = at::TensorOptions(at::kBFloat16).device(device);
  Tensor const summed = at::full({1000}, 3, there), whole = at::empty({5}, there);
  auto reduced = group.all_reduce(summed);
  auto gathered = group.all_gather(whole, at::full({5}, 2, there));
  group.broadcast(summed).wait();
  reduced.wait();
  gathered.wait();
  CHECK(summed.eq(3).all().item<bool>());
  CHECK(whole.eq(2).all().item<bool>());
  CHECK(group.sum({1.5})[0] == 1.5);
  group.finish();
}
#endif

TEST_CASE("several collectives may be under way at once", "[unit]") {
  auto const failures = as_ranks(2, 30s, [](ProcessGroup& group) {
    std::vector<Tensor> tensors;
    std::vector<Pending> pending;
    for (int i = 0; i < 20; ++i) {
      tensors.push_back(at::full({10'000}, i + static_cast<double>(group.rank()), at::kFloat));
      pending.push_back(group.all_reduce(tensors.back()));
    }
    for (int i = 0; i < 20; ++i) {
      auto& one = pending[static_cast<std::size_t>(i)];
      one.wait();
      if (one || !one.done()) fail("still to be waited for");
      auto const& tensor = tensors[static_cast<std::size_t>(i)];
      if (!tensor.eq(2.0 * i + 1).all().item<bool>()) fail("the sum is wrong");
    }
  });
  for (auto const& failure : failures) CHECK(failure == "");
}

TEST_CASE("a rank that leaves without a word ends the others, named with the step", "[unit]") {
  auto const failures = as_ranks(3, 10s, [](ProcessGroup& group) {
    group.at_step(4);
    group.barrier();
    std::this_thread::sleep_for(300ms);
    if (group.rank() == 1) fail("its own reason");
    group.barrier();
  });
  CHECK(failures[1] == "its own reason");
  for (std::size_t const rank : {0, 2}) {
    CHECK_THAT(failures[rank], ContainsSubstring("rank 1 of 3 has ended, in step 4"));
  }
}

TEST_CASE("a rank that takes long to end for its own reason says that, not another's end",
          "[unit]") {
  auto const failures = as_ranks(2, 10s, [](ProcessGroup& group) {
    group.barrier();
    if (!group.first()) fail("fails, too");
    group.fails_itself();
    std::this_thread::sleep_for(2s);
    fail("its own reason");
  });
  CHECK(failures == std::vector<std::string>{"its own reason", "fails, too"});
}

TEST_CASE("a back end's reason is told with its second line, and without LibTorch's sources",
          "[unit]") {
  auto const said = [](char const* text) {
    return dist::detail::reason_of(std::runtime_error(text));
  };
  CHECK(said("[../gloo/pair.cc:1] no room") == "no room");
  CHECK(said("NCCL error in: init.cpp:1\nncclInvalidUsage: Duplicate GPU\nmore") ==
        "NCCL error in: init.cpp:1 ncclInvalidUsage: Duplicate GPU");
  CHECK(said("no room\nException raised from f at g.cpp\nmore") == "no room");
}

TEST_CASE("a rank that never comes is named after the time-out", "[unit]") {
  Launch launch{{.rank = 0, .processes = 3}};
  launch.port = test::free_port();
  std::string second;
  std::thread other([&] {
    Launch own = launch;
    own.rank = 1;
    try {
      ProcessGroup const group(own, 2s);
    } catch (Error const& error) {
      second = error.what();
    }
  });
  CHECK_THROWS_MATCHES(
      ProcessGroup(launch, 2s), Error,
      Catch::Matchers::MessageMatches(ContainsSubstring("rank 2 of 3 did not come to 127.0.0.1")));
  other.join();
  CHECK_THAT(second, ContainsSubstring("rank 2 of 3 did not come"));
}

TEST_CASE("a group of processes that are not there waits for nobody", "[unit]") {
  ProcessGroup group(Pretended{8});
  CHECK(group.size() == 8);
  CHECK(group.first());
  Tensor const tensor = at::full({3}, 2.0);
  auto pending = group.all_reduce(tensor);
  CHECK(pending);
  CHECK_FALSE(pending.done());
  auto next = group.all_reduce(tensor);
  CHECK(pending.done());
  pending.wait();
  next.wait();
  CHECK(tensor.eq(2).all().item<bool>());
  group.broadcast(tensor).wait();
  group.all_gather(at::empty({24}), tensor).wait();
  CHECK(group.sum({1, 2}) == std::vector<double>{1, 2});
  group.at_step(3);
}
