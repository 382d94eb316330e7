#include <vcflash/kernels/cpu/processor.hpp>

#include <ATen/ops/empty.h>

#include <catch2/catch_test_macros.hpp>

#include <fstream>
#include <sstream>
#include <string>

using namespace vcflash::kernels;

#ifdef __x86_64__
TEST_CASE("the processor has what Linux says it has", "[unit]") {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && !line.starts_with("flags")) {
  }
  auto const has = [flags = line + " "](std::string const& flag) {
    return flags.find(" " + flag + " ") != std::string::npos;
  };
  CHECK(cpu::has_avx512() ==
        (has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl")));
  CHECK(cpu::has_avx512_bf16() == (cpu::has_avx512() && has("avx512_bf16")));
  if (has("amx_bf16")) CHECK(cpu::has_amx_bf16());
}
#endif

TEST_CASE("tensors of bf16 on the CPU are told from others, and dense from strided", "[unit]") {
  auto const bf16 = at::empty({4, 4}, at::kBFloat16), fp32 = at::empty({4}, at::kFloat);
  CHECK(cpu::are_dense_bf16(bf16));
  CHECK(cpu::are_bf16(bf16, bf16.t()));
  CHECK_FALSE(cpu::are_dense_bf16(bf16, bf16.t()));
  CHECK_FALSE(cpu::are_bf16(bf16, fp32));
  CHECK_FALSE(cpu::are_bf16(bf16.to(at::kMeta)));
}
