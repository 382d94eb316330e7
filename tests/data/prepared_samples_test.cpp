#include <vcflash/data/prepared_samples.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;
using namespace vcflash::data;

TEST_CASE("failures are told while a sample is being made, in order, and then it is taken",
          "[unit]") {
  PreparedSamples samples;
  std::vector<std::string> said;
  std::jthread const maker([&] {
    for (char const* reason : {"a", "b", "c"}) {
      samples.change(7, [&](PreparedSample& sample) {
        sample.reading = reason;
        sample.bad.emplace_back().reason = reason;
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(60));
    }
    samples.change(7, [](PreparedSample& sample) {
      sample.sample.id = "made";
      sample.ready = true;
    });
  });
  std::string waited;
  auto const taken = samples.take(
      7, std::chrono::milliseconds(40), [&](BadSample const& bad) { said.push_back(bad.reason); },
      [&](std::string const& sentence) { waited = sentence; });
  CHECK(taken.sample.id == "made");
  CHECK(said == std::vector<std::string>{"a", "b", "c"});
  CHECK(taken.bad.size() == 3);
  CHECK(waited.find("is being read") != waited.npos);
}
