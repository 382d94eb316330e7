#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <string>
#include <vcflash/train/schedule.hpp>

#include "tests/support/golden.hpp"

using namespace vcflash;
using train::Schedule, train::ScheduleKind;

namespace {

ScheduleKind kind_of(std::string const& name) {
  for (auto const kind : {ScheduleKind::cosine, ScheduleKind::linear, ScheduleKind::constant,
                          ScheduleKind::constant_with_warmup}) {
    if (name_of(kind) == name) return kind;
  }
  throw std::runtime_error("no schedule " + name);
}

}  // namespace

TEST_CASE("every schedule gives the learning rates of transformers", "[golden]") {
  auto const golden = test::golden_json("model/lr_schedule.json");
  REQUIRE_FALSE(golden.at("schedules").empty());
  for (auto const& entry : golden.at("schedules")) {
    auto const type = entry.at("type").get<std::string>();
    auto const total = entry.at("total").get<std::int64_t>();
    CAPTURE(type, total);
    auto const schedule =
        Schedule::over(kind_of(type), total, entry.at("warmup_ratio").get<double>());
    CHECK(schedule.warmup == entry.at("warmup_steps").get<std::int64_t>());
    auto const base = entry.at("base_lr").get<std::vector<double>>();
    auto const& rates = entry.at("lr");
    // Beyond the end a run never goes; the stored values show that a cosine would rise again.
    for (std::size_t step = 0; step < rates.size(); ++step) {
      CAPTURE(step);
      for (std::size_t group = 0; group < base.size(); ++group) {
        auto const expected = rates[step][group].get<double>();
        auto const rate = base[group] * schedule(static_cast<std::int64_t>(step));
        CHECK(std::abs(rate - expected) <= 1e-12 * base[group]);
      }
    }
  }
}

TEST_CASE("a floor is what the decay ends at", "[unit]") {
  for (auto const kind : {ScheduleKind::cosine, ScheduleKind::linear}) {
    auto const schedule = Schedule::over(kind, 100, 0.1, 0.5);
    CHECK(schedule(0) == 0);
    CHECK(schedule(10) == 1);
    CHECK(std::abs(schedule(55) - 0.75) < 1e-9);
    CHECK(std::abs(schedule(100) - 0.5) < 1e-9);
  }
}
