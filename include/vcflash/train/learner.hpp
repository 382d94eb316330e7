#pragma once

#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <future>
#include <span>
#include <vector>

#include <vcflash/dist/process_group.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/models/sample.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>
#include <vcflash/train/checkpointing.hpp>
#include <vcflash/train/config.hpp>
#include <vcflash/train/drop_path.hpp>
#include <vcflash/train/gathering.hpp>
#include <vcflash/train/replicas.hpp>
#include <vcflash/train/sharded_parameters.hpp>
#include <vcflash/train/work_timer.hpp>

namespace vcflash::train {

namespace detail {

/// What one thread learns of a micro batch.
struct BatchPart {
  std::span<Sample const> samples;
  double share = 1;  ///< of its labels in those of all
};

/// Divides a micro batch among at most `most` threads: samples that follow each other, about as
/// many in each part, none without a label.
std::vector<BatchPart> parts_of(std::span<Sample const> batch, std::span<std::int64_t const> labels,
                                std::size_t most);

}  // namespace detail

/// What came of a part of a micro batch.
struct LearnedPart {
  Tensor loss;  ///< [] fp32, without a graph
  WorkTimer forward, backward;
};

/// What came of a micro batch, whose parts were learned side by side.
struct Learned {
  Tensor loss;  ///< [] fp32, without a graph
  std::vector<LearnedPart> parts;

  /// To be asked when the device is done.
  double forward_seconds() const { return longest(&LearnedPart::forward); }
  double backward_seconds() const { return longest(&LearnedPart::backward); }

 private:
  double longest(WorkTimer LearnedPart::*pass) const {
    double most = 0;
    for (auto const& part : parts) most = std::max(most, (part.*pass).seconds());
    return most;
  }
};

/// Takes a network forward and backward over micro batches, whose gradients add up in its trained
/// parameters.
template <RecipeLike R>
class Learner {
 public:
  using Network = typename R::Network;

  /// \param network which must stay where it is, frozen as its stage says
  /// \param parameters that the group's ranks gather as they are needed; none: all are there
  Learner(Network& network, RunConfig const& config, at::Device device, dist::ProcessGroup* group,
          ShardedParameters* parameters)
      : config_(config),
        device_(device),
        group_(group),
        parameters_(parameters),
        network_(network),
        replicas_(network, config.batch_threads),
        threads_(config.threads > 0 ? static_cast<int>(config.threads)
                                    : std::max(1, at::get_num_threads() /
                                                      static_cast<int>(config.batch_threads))) {
    at::set_num_threads(threads_);
  }

  /// Adds a micro batch's gradients. With several `train.batch_threads` its parts go forward and
  /// backward side by side.
  /// \param labels of each conversation
  /// \param count of micro batches before it, which decides what is left out at random
  Learned learn(std::span<Sample const> batch, std::span<std::int64_t const> labels,
                std::int64_t count) {
    auto const parts = detail::parts_of(batch, labels, replicas_.size());
    auto const learn_one = [&](std::size_t i) {
      auto const seed = config_.recipe.seed + static_cast<std::uint64_t>(count) * parts.size() + i;
      return learn_part(replicas_[i], parts[i].samples, parts[i].share, seed);
    };
    std::vector<std::future<LearnedPart>> others;
    for (std::size_t i = 1; i < parts.size(); ++i) {
      others.push_back(std::async(std::launch::async, [&, i] {
        at::set_num_threads(threads_);
        c10::DeviceGuard const here(device_);
        return learn_one(i);
      }));
    }
    Learned whole;
    whole.parts.push_back(learn_one(0));
    whole.loss = whole.parts.front().loss;
    for (auto& other : others) {
      whole.parts.push_back(other.get());
      whole.loss = whole.loss + whole.parts.back().loss;
    }
    replicas_.gather_gradients();
    return whole;
  }

  /// Does what the other ranks do with a micro batch, of which this one learns nothing.
  void keep_up() {
    Sample sample;
    sample.input_ids = aten::zeros({2}, at::kLong);
    sample.labels = sample.input_ids;
    learn_part(network_, std::array{sample}, 0, 0);
  }

 private:
  static constexpr bool shards_parameters = R::Sharding::stage.parameters();

  /// Goes forward and backward through one of the replicas.
  /// \param share of its labels in the micro batch's
  LearnedPart learn_part(Network& network, std::span<Sample const> samples, double share,
                         std::uint64_t seed) {
    LearnedPart learned{.loss = {}, .forward = WorkTimer(device_), .backward = WorkTimer(device_)};
    learned.forward.begin();
    learned.loss = config_.recipe.gradient_checkpointing
                       ? loss_of(network, samples, seed, Recompute{})
                       : loss_of(network, samples, seed, RunDirectly{});
    if (share < 1) learned.loss = learned.loss * share;
    learned.forward.end();
    learned.backward.begin();
    // Text alone teaches a connector nothing.
    if (learned.loss.requires_grad()) {
      (learned.loss / static_cast<double>(config_.accumulation())).backward();
    }
    learned.backward.end();
    learned.loss = learned.loss.detach();
    return learned;
  }

  template <class Run>
  Tensor loss_of(Network const& network, std::span<Sample const> samples, std::uint64_t seed,
                 Run run) {
    if constexpr (shards_parameters) {
      if (parameters_ != nullptr) return gathered_loss_of(network, samples, seed, run);
    }
    return plain_loss_of(network, samples, seed, run);
  }

  /// The loss where all ranks gather the layers' parameters together: a rank that has no videos, or
  /// no images, runs the encoder over nothing as often as the others run it, and learns nothing
  /// from that.
  template <class Run>
  Tensor gathered_loss_of(Network const& network, std::span<Sample const> samples,
                          std::uint64_t seed, Run run) {
    bool videos = false, images = false;
    for (Sample const& sample : samples) {
      for (Medium const& medium : sample.media) {
        (medium.modality == Modality::video ? videos : images) = true;
      }
    }
    auto const own = static_cast<std::int64_t>(videos) + static_cast<std::int64_t>(images);
    auto const ranks = group_->sum({own >= 1 ? 1.0 : 0.0, own >= 2 ? 1.0 : 0.0});
    auto const passes = std::ranges::count_if(ranks, [](double with) { return with > 0; });
    Gathering<Run> const gathering(*parameters_, passes, run);
    constexpr auto side = Network::Encoder::resolution;
    Medium const nothing{Modality::image, aten::zeros({1, 3, side, side})};
    Tensor rest;
    for (auto pass = own; pass < passes; ++pass) {
      Tensor const tokens = network.visual_tokens(std::array{&nothing}, gathering)[0];
      Tensor const none = tokens.sum().to(at::kFloat) * 0;
      rest = rest.defined() ? rest + none : none;
    }
    Tensor const loss = plain_loss_of(network, samples, seed, gathering);
    return rest.defined() ? loss + rest : loss;
  }

  template <class Run>
  Tensor plain_loss_of(Network const& network, std::span<Sample const> samples, std::uint64_t seed,
                       Run run) const {
    auto const most = config_.recipe.max_length;
    if constexpr (requires { Network::Encoder::config.drop_path; }) {
      return network.loss(samples, most, DropPath<Run>(seed, run));
    } else {
      return network.loss(samples, most, run);
    }
  }

  RunConfig const& config_;
  at::Device device_;
  dist::ProcessGroup* group_;
  ShardedParameters* parameters_;
  Network& network_;
  Replicas<Network> replicas_;
  int threads_;  ///< of the tensor operations
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/learner.ipp>
#endif
