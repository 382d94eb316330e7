#include <vcflash/train/tensorboard.hpp>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <string>

#include "tests/support/folder.hpp"
#include "tests/support/program.hpp"

using namespace vcflash;
using namespace vcflash::train;

namespace {

std::filesystem::path only_file_of(std::filesystem::path const& folder) {
  return std::filesystem::directory_iterator(folder)->path();
}

}  // namespace

TEST_CASE("the checksum of records is CRC-32C, masked", "[unit]") {
  // RFC 3720, B.4: 32 bytes of zeros.
  CHECK(detail::masked_crc(std::string(32, '\0')) ==
        std::rotr(std::uint32_t{0x8a9136aa}, 15) + 0xa282ead8U);
}

TEST_CASE("an event file begins with its version and holds a record a step", "[unit]") {
  test::TemporaryFolder const folder;
  EventFile file(folder / "events", 0);
  file.write(3, std::array{EventFile::Scalar{"loss", 0.5}});
  auto const bytes = test::read_file(only_file_of(folder / "events"));
  // Time (9 bytes), step (2), version (2 + 13); around it length (8), sum (4) and sum (4).
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  CHECK(length == 26);
  CHECK(bytes.substr(12 + 13, 13) == "brain.Event:2");
  auto const record = bytes.substr(12 + 26 + 4);
  // Field 5, the summary, of one value: its tag and 0.5 as a float.
  CHECK(record.substr(12 + 11, 15) == std::string("*\x0d\x0a\x0b\x0a\x04loss\x15\0\0\0?", 15));
  CHECK(record.size() == 8 + 4 + 11 + 15 + 4);
}

TEST_CASE("an event file that cannot be begun is named, and ends nothing", "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("file", "x");
  std::string told;
  EventFile file(folder / "file", 0, [&](std::string const& sentence) { told = sentence; });
  file.write(1, std::array{EventFile::Scalar{"loss", 0.5}});
  CHECK_THAT(told, Catch::Matchers::ContainsSubstring((folder / "file/events").string()));
}

TEST_CASE("TensorBoard reads the events, and forgets what a resumed run does anew", "[unit]") {
  if (std::system("python3 -c 'import tensorboard' >/dev/null 2>&1") != 0)
    SKIP("the Python package tensorboard is not installed");
  test::TemporaryFolder const folder;
  {
    EventFile file(folder / "events", 0);
    for (int step = 1; step <= 4; ++step)
      file.write(step, std::array{EventFile::Scalar{"loss", 1.0 / step}});
  }
  std::filesystem::rename(only_file_of(folder / "events"),
                          folder / "events/events.out.tfevents.0000000001.1");
  EventFile resumed(folder / "events", 2);
  resumed.write(3, std::array{EventFile::Scalar{"loss", 7.0}});
  auto const script = folder.write("read.py", R"(
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1])
events.Reload()
print(*(f"{e.step}:{e.value:g}" for e in events.Scalars("loss")))
)");
  auto const outcome =
      test::run_command("python3 " + script.string() + " " + (folder / "events").string());
  CHECK(outcome.output.find("1:1 2:0.5 3:7\n") != std::string::npos);
}
