#include <vcflash/media/video.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/golden.hpp"

using namespace vcflash;
using namespace vcflash::media;

namespace {

/// Resident memory of this process in MiB.
double resident_mib() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

/// The golden videos, good ones and broken ones.
std::vector<std::filesystem::path> videos() {
  std::vector<std::filesystem::path> files;
  for (std::string const folder : {"data/videos", "data/videos/broken"})
    for (auto const& entry : std::filesystem::directory_iterator(test::golden_folder(folder)))
      if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

/// Opens videos in turn and reads some frames of each.
/// \param opens a multiple of the files, the first fifth of it to warm up
void open_many(int opens) {
  auto const files = videos();
  FrameRequest request;
  request.max_frames = 8;
  int read = 0, refused = 0;
  double least = 1e9, most = 0;
  for (int i = 0; i < opens; ++i) {
    try {
      read_video(files[std::size_t(i) % files.size()], request, 64, std::chrono::seconds(20));
      ++read;
    } catch (InputError const&) {
      ++refused;
    }
    bool const round_ends = (i + 1) % int(files.size()) == 0;
    if (!round_ends || i < opens / 5) continue;
    least = std::min(least, resident_mib());
    most = std::max(most, resident_mib());
  }
  INFO(read << " read, " << refused << " refused, resident " << least << " to " << most << " MiB");
  CHECK(read > opens / 2);
  CHECK(refused > opens / 10);
#if defined(__SANITIZE_ADDRESS__)
  SKIP("the address sanitizer keeps what is freed");
#endif
  REQUIRE(most > 0);
  CHECK(most - least <= 5);
}

}  // namespace

TEST_CASE("memory stays where it is over 300 opens of good and broken videos", "[unit]") {
  open_many(300);
}

TEST_CASE("memory stays where it is over 10,000 opens of good and broken videos", "[soak]") {
  open_many(10'000);
}
