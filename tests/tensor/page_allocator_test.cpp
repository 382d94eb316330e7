#include <unistd.h>
#include <vcflash/base/process_memory.hpp>
#include <vcflash/tensor/page_allocator.hpp>

#include <ATen/ops/ones.h>

#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

using namespace vcflash;

namespace {

constexpr std::size_t mib = std::size_t(1) << 20;
constexpr std::size_t most = 640 * mib;  ///< that these tests have in use
std::size_t const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

}  // namespace

TEST_CASE("large CPU tensors have pages of their own, small ones have none", "[unit]") {
  give_large_tensors_pages();
  auto const& pages = PageAllocator::instance();
  auto const before = pages.used();
  auto const small = at::ones({1000});
  CHECK(pages.used() == before);
  auto large = at::ones({3 * std::int64_t(mib) + 1}, at::kByte);
  CHECK(pages.used() == before + 3 * mib + page);
  CHECK(reinterpret_cast<std::uintptr_t>(large.data_ptr()) % (2 * mib) == 0);
  CHECK(large.sum().item<std::int64_t>() == 3 * std::int64_t(mib) + 1);
  large.reset();
  CHECK(pages.used() == before);
}

TEST_CASE("what a small program frees is kept, too", "[unit]") {
  auto& pages = PageAllocator::instance();
  auto const bytes = 60 * mib;
  void* const first = pages.allocate(bytes).get();
  CHECK(pages.kept() >= bytes);
  CHECK(pages.allocate(bytes).get() == first);
}

TEST_CASE("what is freed is kept for the next of its size, up to an eighth of the most in use",
          "[unit]") {
  auto& pages = PageAllocator::instance();
  pages.allocate(most).clear();
  auto const bytes = 4 * mib;
  void* const first = pages.allocate(bytes).get();
  CHECK(pages.kept() >= bytes);
  auto const again = pages.allocate(bytes - page);
  CHECK(again.get() == first);
  auto const half = pages.allocate(bytes / 2);
  CHECK(half.get() != first);
  {
    std::vector<c10::DataPtr> many;
    for (int i = 0; i < 40; ++i) many.push_back(pages.allocate(bytes));
    std::memset(many.back().get(), 1, bytes);
  }
  CHECK(pages.kept() > PageAllocator::always_kept);
  CHECK(pages.kept() <= (pages.used() + 40 * bytes + most) / 8);
  auto const kept = pages.kept();
  pages.allocate(most).clear();  // too large to be kept, and drives nothing else away
  CHECK(pages.kept() == kept);
}

TEST_CASE("of kept blocks the smallest that is large enough is taken, of these the oldest",
          "[unit]") {
  auto& pages = PageAllocator::instance();
  auto const bytes = 9 * mib;  // as nothing else here
  std::vector<c10::DataPtr> blocks;
  for (std::size_t const more : {2, 1, 1, 3}) blocks.push_back(pages.allocate(bytes + more * page));
  std::vector<void*> places;
  for (auto& block : blocks) {
    places.push_back(block.get());
    block.clear();
  }
  std::vector<c10::DataPtr> again;
  for (std::size_t const place : {1, 2, 0, 3}) {
    again.push_back(pages.allocate(bytes));
    CHECK(again.back().get() == places[place]);
  }
}

TEST_CASE("memory of large tensors goes back to the system", "[unit]") {
  auto& pages = PageAllocator::instance();
  auto const before = resident_memory_mib();
  {
    std::vector<c10::DataPtr> blocks;
    for (std::size_t i = 0; i < 200; ++i) {
      blocks.push_back(pages.allocate(mib + i * page));
      std::memset(blocks.back().get(), 1, mib + i * page);
    }
    CHECK(resident_memory_mib() >= before + 200);
    // Holes between blocks that live on: a heap would keep them.
    for (std::size_t i = 0; i < 200; ++i) {
      if (i % 10 != 0) blocks[i].clear();
    }
    CHECK(resident_memory_mib() < before + 20 * 2 + std::int64_t(most / mib) / 8 + 20);
  }
}

TEST_CASE("threads share the pages", "[unit]") {
  auto& pages = PageAllocator::instance();
  auto const before = pages.used();
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < 4; ++t) {
      threads.emplace_back([&pages, t] {
        std::mt19937 random(t);
        std::vector<c10::DataPtr> blocks(8);
        for (int i = 0; i < 2000; ++i) {
          auto& block = blocks[random() % blocks.size()];
          block = pages.allocate(mib + random() % mib);
          *static_cast<std::uint32_t*>(block.get()) = t;
        }
      });
    }
  }
  CHECK(pages.used() == before);
}

TEST_CASE("more memory than there is is refused as LibTorch refuses it", "[unit]") {
  CHECK_THROWS_AS(PageAllocator::instance().allocate(std::size_t(1) << 62), c10::Error);
}
