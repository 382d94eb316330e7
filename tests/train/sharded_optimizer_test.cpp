#include <vcflash/train/sharded_optimizer.hpp>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <mutex>

#include <vcflash/base/error.hpp>

#include "tests/dist/as_ranks.hpp"

using namespace vcflash;
using namespace vcflash::train;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t micro_batches = 6;  // of a step
constexpr std::int64_t small_bucket = 64;  // elements, so that there are several buckets

/// A network of three maps whose parameters are sized so that shards cut them anywhere.
struct Toy {
  std::vector<std::string> keys;
  std::vector<Tensor> parameters;

  explicit Toy(at::ScalarType dtype) {
    auto generator = at::detail::createCPUGenerator(3);
    std::vector<std::pair<std::string, std::vector<std::int64_t>>> const shapes{
        {"a.weight", {7, 5}},
        {"a.bias", {7}},
        {"b.weight", {9, 7}},
        {"b.bias", {9}},
        {"c.weight", {1, 9}}};
    for (auto const& [key, shape] : shapes) {
      keys.push_back(key);
      parameters.push_back(
          at::randn(shape, generator, at::kFloat).mul_(0.3).to(dtype).requires_grad_(true));
    }
  }

  std::vector<ParameterGroup> groups() const {
    std::vector<ParameterGroup> groups(2);
    groups[0].learning_rate = 0.01;
    groups[0].weight_decay = 0.1;
    groups[1].learning_rate = 0.03;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      auto& group = groups[keys[i].ends_with("bias") ? 1 : 0];
      group.names.push_back(keys[i]);
      group.parameters.push_back(parameters[i]);
    }
    return groups;
  }

  /// \param x [rows, 5]  \return []
  Tensor loss(Tensor const& x) const {
    Tensor const a = at::linear(x, parameters[0], parameters[1]).tanh();
    Tensor const b = at::linear(a, parameters[2], parameters[3]).tanh();
    return at::linear(b, parameters[4]).square().mean();
  }
};

Tensor input(std::int64_t step, std::int64_t micro_batch, at::ScalarType dtype) {
  auto generator =
      at::detail::createCPUGenerator(static_cast<std::uint64_t>(100 * step + micro_batch));
  return at::randn({3, 5}, generator, at::kFloat).to(dtype);
}

/// What is done in a step with the micro batches of one rank.
struct Run {
  Toy& toy;
  ShardedOptimizer& optimizer;
  at::ScalarType dtype;
  std::int64_t rank = 0, ranks = 1;
  bool leaves_out = false;  ///< one micro batch has nothing to learn from
  bool twice = false;       ///< backward passes come in two, as with layers that are recomputed
  std::vector<double> norms{};

  void step(std::int64_t step) {
    std::int64_t const own = micro_batches / ranks;
    for (std::int64_t i = 0; i < own; ++i) {
      optimizer.begin(i, own);
      std::int64_t const place = i * ranks + rank;
      if (leaves_out && place == micro_batches - 1) continue;
      Tensor const x = input(step, place, dtype);
      std::vector<Tensor> const parts =
          twice ? std::vector<Tensor>{x.narrow(0, 0, 1), x.narrow(0, 1, 2)} : std::vector{x};
      for (Tensor const& part : parts) {
        torch::autograd::backward({toy.loss(part) / static_cast<double>(micro_batches)}, {});
      }
      optimizer.take_gradients();
    }
    double const norm = optimizer.gradient_norm().item<float>();
    norms.push_back(norm);
    optimizer.clip(norm, 0.05);
    optimizer.step(1.0 / static_cast<double>(step));
  }
};

struct Result {
  std::vector<Tensor> parameters;
  std::vector<double> norms;
  NamedTensors state;
};

Result of_one_process(at::ScalarType dtype, bool leaves_out, bool twice) {
  Toy toy(dtype);
  ShardedOptimizer optimizer(toy.groups(), {});
  Run run{toy, optimizer, dtype, 0, 1, leaves_out, twice};
  for (std::int64_t step = 1; step <= 4; ++step) run.step(step);
  return {toy.parameters, run.norms, optimizer.state()};
}

/// \param dtype of the run
void require_close(Tensor const& found, Tensor const& expected, at::ScalarType dtype,
                   std::string const& what) {
  double const tolerance = dtype == at::kFloat ? 2e-6 : 2e-2;
  Tensor const apart = (found.to(at::kFloat) - expected.to(at::kFloat)).abs();
  if (apart.max().item<double>() > tolerance) {
    fail(what, " is ", apart.max().item<double>(), " apart");
  }
}

}  // namespace

TEST_CASE("ranks that share what they keep move parameters as one process does", "[unit]") {
  for (auto const dtype : {at::kFloat, at::kBFloat16}) {
    for (auto const& [leaves_out, twice] :
         {std::pair{false, false}, std::pair{true, false}, std::pair{false, true}}) {
      auto const expected = of_one_process(dtype, leaves_out, twice);
      for (int const zero : {0, 1, 2}) {
        for (std::int64_t const ranks : {2, 3}) {
          CAPTURE(dtype, leaves_out, twice, zero, ranks);
          std::mutex guard;
          std::map<std::string, Tensor> stored;
          auto const failures = test::as_ranks(
              ranks, 60s, [&, leaves_out = leaves_out, twice = twice](dist::ProcessGroup& group) {
                Toy toy(dtype);
                // What the other ranks begin with does not matter.
                if (!group.first()) {
                  for (Tensor const& parameter : toy.parameters) parameter.detach().zero_();
                }
                ShardedOptimizer optimizer(toy.groups(), {}, toy.keys, {zero}, &group, nullptr,
                                           small_bucket);
                Run run{toy, optimizer, dtype, group.rank(), ranks, leaves_out, twice};
                for (std::int64_t step = 1; step <= 4; ++step) run.step(step);
                for (std::size_t i = 0; i < toy.keys.size(); ++i) {
                  require_close(toy.parameters[i].detach(), expected.parameters[i].detach(), dtype,
                                toy.keys[i]);
                }
                for (std::size_t i = 0; i < run.norms.size(); ++i) {
                  double const tolerance = dtype == at::kFloat ? 1e-5 : 5e-2;
                  if (std::abs(run.norms[i] / expected.norms[i] - 1) > tolerance) {
                    fail("norm ", i, " is ", run.norms[i], " and not ", expected.norms[i]);
                  }
                }
                std::scoped_lock const lock(guard);
                for (auto const& [name, tensor] : optimizer.state()) {
                  if (!stored.emplace(name, tensor.clone()).second) fail(name, " comes twice");
                }
              });
          for (auto const& failure : failures) CHECK(failure == "");
          StoredState const together(stored);
          CHECK(together.size() == expected.state.size());
          for (auto const& [name, tensor] : expected.state) {
            Tensor const found = together.piece(name, tensor.sizes(), 0, tensor.numel());
            REQUIRE(found.defined());
            require_close(found.view(tensor.sizes()), tensor, dtype, name);
          }
        }
      }
    }
  }
}

TEST_CASE("a rank keeps its share of the state", "[unit]") {
  auto const bytes_of = [](int zero) {
    std::mutex guard;
    std::vector<std::int64_t> bytes(2);
    auto const failures = test::as_ranks(2, 60s, [&](dist::ProcessGroup& group) {
      Toy toy(at::kBFloat16);
      ShardedOptimizer const optimizer(toy.groups(), {}, toy.keys, {zero}, &group);
      std::scoped_lock const lock(guard);
      bytes[static_cast<std::size_t>(group.rank())] = optimizer.own().state_bytes();
    });
    for (auto const& failure : failures) CHECK(failure == "");
    return bytes;
  };
  std::int64_t elements = 0;
  for (Tensor const& parameter : Toy(at::kFloat).parameters) elements += parameter.numel();
  // Two moments, a copy and a sum of gradients, in fp32.
  CHECK(bytes_of(0) == std::vector{16 * elements, 16 * elements});
  for (int const zero : {1, 2}) {
    auto const bytes = bytes_of(zero);
    CHECK(bytes[0] + bytes[1] == 16 * elements);
    CHECK(std::abs(bytes[0] - bytes[1]) < 16 * elements / 4);
  }
}

TEST_CASE("a state goes on with any number of ranks at any stage", "[unit]") {
  auto const go_on = [](Toy& toy, ShardedOptimizer& optimizer, std::int64_t rank,
                        std::int64_t ranks) {
    Run run{toy, optimizer, at::kBFloat16, rank, ranks};
    for (std::int64_t step = 5; step <= 6; ++step) run.step(step);
  };
  auto const begun = of_one_process(at::kBFloat16, false, false);
  std::map<std::string, Tensor> const whole(begun.state.begin(), begun.state.end());
  StoredState const state(whole, "here");
  auto const take_up = [&](Toy& toy) {
    for (std::size_t i = 0; i < toy.keys.size(); ++i) {
      toy.parameters[i].detach().copy_(begun.parameters[i].detach());
    }
  };
  Toy straight(at::kBFloat16);
  take_up(straight);
  ShardedOptimizer alone(straight.groups(), {});
  alone.restore(state, 4);
  go_on(straight, alone, 0, 1);
  for (int const zero : {0, 1, 2}) {
    for (std::int64_t const ranks : {2, 3}) {
      CAPTURE(zero, ranks);
      auto const failures = test::as_ranks(ranks, 60s, [&](dist::ProcessGroup& group) {
        Toy toy(at::kBFloat16);
        take_up(toy);
        ShardedOptimizer optimizer(toy.groups(), {}, toy.keys, {zero}, &group, nullptr,
                                   small_bucket);
        optimizer.restore(state, 4);
        go_on(toy, optimizer, group.rank(), ranks);
        for (std::size_t i = 0; i < toy.keys.size(); ++i) {
          require_close(toy.parameters[i].detach(), straight.parameters[i].detach(), at::kBFloat16,
                        toy.keys[i]);
        }
        auto broken = whole;
        broken.erase("first.b.weight");
        bool refused = false;
        try {
          optimizer.restore(StoredState(broken), 4);
        } catch (InputError const&) {
          refused = true;
        }
        if (!refused) fail("an incomplete state was taken");
      });
      for (auto const& failure : failures) CHECK(failure == "");
    }
  }
}

TEST_CASE("gradients that are forgotten leave no trace on any rank", "[unit]") {
  auto const expected = of_one_process(at::kFloat, false, false);
  for (int const zero : {0, 1, 2}) {
    CAPTURE(zero);
    auto const failures = test::as_ranks(2, 60s, [&](dist::ProcessGroup& group) {
      Toy toy(at::kFloat);
      ShardedOptimizer optimizer(toy.groups(), {}, toy.keys, {zero}, &group, nullptr, small_bucket);
      Run run{toy, optimizer, at::kFloat, group.rank(), 2};
      optimizer.begin(0, 1);
      torch::autograd::backward({toy.loss(input(9, 9, at::kFloat))}, {});
      optimizer.gradient_norm();
      optimizer.forget_gradients();
      for (std::int64_t step = 1; step <= 4; ++step) run.step(step);
      for (std::size_t i = 0; i < toy.keys.size(); ++i) {
        require_close(toy.parameters[i].detach(), expected.parameters[i].detach(), at::kFloat,
                      toy.keys[i]);
      }
    });
    for (auto const& failure : failures) CHECK(failure == "");
  }
}
