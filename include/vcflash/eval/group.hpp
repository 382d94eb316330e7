#pragma once

#include <cmath>
#include <cstdint>
#include <utility>

namespace vcflash::eval {

/// The value of a group of tasks, as upstream's harness adds one task after another: a mean
/// weighted by the tasks' numbers of questions, and what it calls its standard error, in which the
/// tasks' own spread counts as nought.
class GroupValue {
 public:
  /// \param questions of the task, answered or not  \param value of the task
  void add(std::int64_t questions, double value) {
    auto const n = static_cast<double>(questions), t = static_cast<double>(questions_);
    questions_ += questions;
    if (t == 0) {
      value_ = value;
      return;
    }
    value_ = (value_ * t + value * n) / (t + n);
    double const apart = value_ - value;
    variance_ =
        (t - 1) * variance_ / (t + n - 1) + t * n / ((t + n) * (t + n - 1)) * (apart * apart);
  }

  std::int64_t questions() const { return questions_; }
  double value() const { return value_; }
  double stderr_value() const { return std::sqrt(variance_); }

 private:
  std::int64_t questions_ = 0;
  double value_ = 0, variance_ = 0;
};

}  // namespace vcflash::eval
