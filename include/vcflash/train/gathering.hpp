#pragma once

#include <ATen/core/grad_mode.h>

#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/kernels/on_gradient.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/tensor/tensor.hpp>
#include <vcflash/train/sharded_parameters.hpp>

namespace vcflash::train {

/// Runs layers as `Run` does, each with its parameters gathered from all ranks, the next layer's
/// being on their way meanwhile. Each layer is told apart by when it runs: one of these serves one
/// forward pass, of which all ranks run the same layers, and its backward pass.
template <class Run>
class Gathering {
 public:
  /// \param passes of the encoder before the LLM's
  Gathering(ShardedParameters& parameters, std::int64_t passes, Run run = {})
      : pass_(std::make_shared<Pass>(parameters, parameters.order_of_use(passes))),
        run_(std::move(run)) {}

  template <class Layer>
  Tensor operator()(Layer const& layer, Tensor const& hidden) const {
    if (pass_->next == pass_->order.size()) fail("more layers run than were counted");
    auto const place = pass_->next++;
    return run_([pass = pass_, place,
                 layer](Tensor const& x) { return run_gathered(pass, place, layer, x); },
                hidden);
  }

 private:
  struct Pass {
    Pass(ShardedParameters& parameters, std::vector<std::size_t> order)
        : parameters(parameters), order(std::move(order)) {}
    ShardedParameters& parameters;
    std::vector<std::size_t> order;
    std::size_t next = 0;

    /// Makes the layer at a place whole, and begins with the one that is used after it.
    void gather(std::size_t place, bool forward) const {
      parameters.gather(order[place]);
      bool const another = forward ? place + 1 < order.size() : place > 0;
      if (another) parameters.begin(order[forward ? place + 1 : place - 1]);
    }
    void release(std::size_t place) const { parameters.release(order[place]); }
  };

  template <class Layer>
  static Tensor run_gathered(std::shared_ptr<Pass> const& pass, std::size_t place,
                             Layer const& layer, Tensor const& x) {
    constexpr bool runs_twice = !std::same_as<Run, RunDirectly>;
    // A layer that runs with a graph although it runs twice is in its backward pass already.
    bool const again = runs_twice && at::GradMode::is_enabled() && x.requires_grad();
    pass->gather(place, !again);
    if (!at::GradMode::is_enabled()) {
      Tensor const y = layer(x);
      pass->release(place);
      return y;
    }
    Tensor const input =
        x.requires_grad() ? kernels::on_gradient(x, [pass, place] { pass->release(place); }) : x;
    Tensor const y = layer(input);
    if (again) return y;
    pass->release(place);
    if (!y.requires_grad()) return y;
    return kernels::on_gradient(y, [pass, place] { pass->gather(place, false); });
  }

  std::shared_ptr<Pass> pass_;
  Run run_;
};

}  // namespace vcflash::train
