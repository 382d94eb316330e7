#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include <vcflash/tensor/parameter_list.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::train {

/// Copies of a network that share its parameters' memory and gather gradients of their own, so that
/// several threads can go forward and backward through it at once.
template <class Network>
class Replicas {
 public:
  /// \param network which must stay where it is, frozen as it will be
  /// \param count how many there are, the network itself among them
  Replicas(Network& network, std::int64_t count) : network_(network) {
    parameters_.push_back(parameters_of(network));
    for (std::int64_t i = 1; i < count; ++i) {
      for (auto const& parameter :
           parameters_.emplace_back(parameters_of(copies_.emplace_back(network)))) {
        bool const trained = parameter.value->requires_grad();
        *parameter.value = parameter.value->detach().requires_grad_(trained);
      }
    }
  }

  std::size_t size() const { return 1 + copies_.size(); }
  Network& operator[](std::size_t i) { return i == 0 ? network_ : copies_[i - 1]; }

  /// Adds the copies' gradients to the network's, always in the same order.
  void gather_gradients() {
    auto const& own = parameters_.front();
    for (std::size_t replica = 1; replica < size(); ++replica) {
      for (std::size_t i = 0; i < own.size(); ++i) {
        Tensor& gradient = parameters_[replica][i].value->mutable_grad();
        Tensor& sum = own[i].value->mutable_grad();
        if (!gradient.defined()) continue;
        if (sum.defined()) {
          sum.add_(gradient);
        } else {
          sum = gradient;
        }
        gradient.reset();
      }
    }
  }

 private:
  Network& network_;
  std::deque<Network> copies_;
  std::vector<std::vector<ParameterRef>> parameters_;  ///< of each replica, all in one order
};

}  // namespace vcflash::train
