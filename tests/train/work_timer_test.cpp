#include <vcflash/train/work_timer.hpp>

#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <thread>
#include <utility>

#include <vcflash/dist/device.hpp>
#include <vcflash/tensor/tensor.hpp>

using vcflash::train::WorkTimer;

TEST_CASE("work on the CPU is timed as it is done", "[unit]") {
  WorkTimer timer;
  CHECK(timer.seconds() == 0);
  timer.begin();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  timer.end();
  WorkTimer const moved = std::move(timer);
  CHECK(moved.seconds() >= 0.02);
  CHECK(moved.seconds() < 2);
}

#ifdef VCFLASH_CUDA
TEST_CASE("work on a GPU is timed by the GPU, which this thread is ahead of", "[cuda]") {
  if (at::detail::getCUDAHooks().getNumGPUs() <= 0) SKIP("no GPU here");
  auto const device = vcflash::dist::device_of("cuda", 0);
  at::Tensor x = at::randn({4096, 4096}, at::TensorOptions(at::kFloat).device(device));
  x.mm(x);
  CHECK(x.sum().isfinite().item<bool>());
  WorkTimer timer(device);
  auto const begin = std::chrono::steady_clock::now();
  timer.begin();
  for (int i = 0; i < 20; ++i) x = x.mm(x).clamp(-1, 1);
  timer.end();
  std::chrono::duration<double> const queued = std::chrono::steady_clock::now() - begin;
  CHECK(x.sum().isfinite().item<bool>());  // the GPU is done
  CHECK(timer.seconds() > queued.count());
}
#endif
