#pragma once

#include <c10/core/Device.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <chrono>
#include <memory>

namespace vcflash::train {

/// Seconds between two points of the work on a device. A GPU does what was queued some time after
/// this thread passed these points; there its own clock counts, and nobody waits for it.
class WorkTimer {
 public:
  explicit WorkTimer(at::Device device = at::kCPU) : device_(device) {}

  void begin() { begin_ = now(); }
  void end() { end_ = now(); }

  /// To be asked when the device has come to the end; 0 if nothing was timed.
  double seconds() const {
    if (!begin_.event || !end_.event) {
      return std::chrono::duration<double>(end_.time - begin_.time).count();
    }
    return begin_.event->elapsedTime(*end_.event) / 1000;
  }

 private:
  using Clock = std::chrono::steady_clock;

  struct Point {
    Clock::time_point time{};
    std::unique_ptr<c10::Event> event{};  ///< none on a CPU
  };

  Point now() const {
    if (device_.is_cpu() || device_.is_meta()) return {.time = Clock::now()};
    // Of the flags only this one keeps the time.
    Point point{.event =
                    std::make_unique<c10::Event>(device_.type(), c10::EventFlag::BACKEND_DEFAULT)};
    point.event->record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
    return point;
  }

  at::Device device_;
  Point begin_, end_;
};

}  // namespace vcflash::train
