#include <vcflash/train/run_store.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/folder.hpp>

#include "tests/checkpoint/full_disk.hpp"
#include "tests/checkpoint/small_recipe.hpp"
#include "tests/dist/as_ranks.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::train;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
namespace fs = std::filesystem;

namespace {

/// A run's folder without a run.
struct Place {
  Place() {
    config.recipe.save_every = 2;
    config.save_minutes = 0;
    files.out = folder / "run";
  }

  void begin(RunState const& state = {}) {
    store.reset();
    warnings.clear();
    store.emplace(
        config, files, "small",
        [this](std::string const& sentence) { warnings.push_back(sentence); }, nullptr);
    store->begin(state);
  }

  RunStore::Write writes(std::int64_t step) {
    return [this, step](fs::path const& to) {
      store->write_state(to, RunState{.step = step});
      checkpoint::write_tensors(to / "optimizer.safetensors", {});
    };
  }

  void save(std::int64_t step) { store->save_running(RunState{.step = step}, writes(step)); }

  /// What is taken up, and the folders whose weights were read.
  std::optional<RunStore::TakenUp> take_up(std::vector<std::string>* read = nullptr) {
    store.reset();
    warnings.clear();
    store.emplace(
        config, files, "small",
        [this](std::string const& sentence) { warnings.push_back(sentence); }, nullptr);
    return store->take_up([&](fs::path const& from) {
      if (read) read->push_back(from.filename().string());
    });
  }

  test::TemporaryFolder folder;
  RunConfig config = default_config<test::SmallRecipe<VideoSft>>();
  RunFiles files;
  std::vector<std::string> warnings;
  std::optional<RunStore> store;
};

}  // namespace

TEST_CASE("a folder that takes no checkpoints is refused before anything is learned", "[unit]") {
  Place place;
  place.folder.write("run", "a file");
  CHECK_THROWS_MATCHES(place.begin(), Error, MessageMatches(ContainsSubstring("cannot be made")));
  fs::remove(place.folder / "run");
  test::FullDisk const full(0);
  CHECK_THROWS_MATCHES(place.begin(), Error,
                       MessageMatches(ContainsSubstring("run: cannot take checkpoints: ")));
}

TEST_CASE("what a claim wrote is gone afterwards", "[unit]") {
  Place place;
  place.begin();
  std::vector<std::string> names;
  for (auto const& entry : fs::directory_iterator(place.files.out)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  CHECK(names == std::vector<std::string>{".lock", "config.toml", "metrics.jsonl", "tensorboard"});
}

TEST_CASE("the newest checkpoint is taken up, or the model if that is newer", "[unit]") {
  Place place;
  CHECK_FALSE(place.take_up());
  place.begin();
  for (std::int64_t const step : {2, 4}) place.save(step);
  place.store->settle();
  CHECK(place.store->saved() == 4);
  std::vector<std::string> read;
  auto taken = place.take_up(&read);
  REQUIRE(taken);
  CHECK(taken->state.step == 4);
  CHECK(taken->optimizer);
  CHECK_FALSE(taken->ended);
  CHECK(read == std::vector<std::string>{"checkpoint-4"});
  CHECK(place.store->saved() == 4);

  // Its end, with a checkpoint and without.
  place.store->write_state(place.files.out, RunState{.step = 4});
  taken = place.take_up();
  CHECK((taken->ended && taken->optimizer));
  place.store->write_state(place.files.out, RunState{.step = 5});
  read.clear();
  taken = place.take_up(&read);
  CHECK((taken->ended && !taken->optimizer));
  CHECK(taken->state.step == 5);
  CHECK(read == std::vector<std::string>{"run"});
}

TEST_CASE("a checkpoint of another run is no damaged one", "[unit]") {
  Place place;
  place.files.data = "old";
  place.begin();
  for (std::int64_t const step : {2, 4}) place.save(step);
  place.store->settle();
  place.files.data = "new";
  CHECK_THROWS_MATCHES(place.take_up(), InputError,
                       MessageMatches(ContainsSubstring("checkpoint-4") &&
                                      ContainsSubstring("give --allow-changes")));
  place.files.allow_changes = true;
  CHECK(place.take_up()->state.step == 4);
  CHECK(place.warnings.empty());
  place.config.recipe.weight_decay = 0.25;
  CHECK(place.take_up());
  REQUIRE(place.warnings.size() == 1);
  CHECK_THAT(place.warnings[0], ContainsSubstring("train.weight_decay = 0.25 (was 0.0)"));
}

TEST_CASE("what was passed over keeps no good checkpoint's place", "[unit]") {
  Place place;
  place.config.keep = 1;
  place.begin();
  place.save(20);
  place.store->settle();
  place.folder.write("run/checkpoint-20/optimizer.safetensors", "broken");
  place.folder.write("run/.checkpoint-21.partial/model.safetensors", "of a writer that died");
  place.begin(RunState{.step = 10});
  CHECK(fs::exists(place.files.out / "checkpoint-20.damaged"));
  CHECK_FALSE(fs::exists(place.files.out / ".checkpoint-21.partial"));
  place.save(12);
  place.store->settle();
  CHECK(fs::exists(place.files.out / "checkpoint-12"));
}

TEST_CASE("checkpoints are due by steps and by the clock", "[unit]") {
  Place place;
  place.begin();
  CHECK_FALSE(place.store->due(3));
  CHECK(place.store->due(4));
  place.config.recipe.save_every = 0;
  CHECK_FALSE(place.store->due(4));
  CHECK_FALSE(place.store->keeps_checkpoints());
  place.config.save_minutes = 1e-9;
  CHECK(place.store->due(3));
  CHECK(place.store->keeps_checkpoints());
  place.config.save_minutes = 10;
  CHECK_FALSE(place.store->due(3));
}

TEST_CASE("checkpoints that cannot be written are told, and counted while it lasts", "[unit]") {
  Place place;
  place.begin();
  auto const fails = [](fs::path const&) { throw Error("the disk is full"); };
  place.store->save_running(RunState{.step = 2}, fails);
  place.store->settle();
  CHECK_FALSE(place.store->failing());
  place.save(4);
  place.store->settle();
  for (std::int64_t const step : {6, 8}) {
    CHECK_FALSE(place.store->failing());
    place.store->save_running(RunState{.step = step}, fails);
    place.store->settle();
  }
  CHECK(place.store->failing());
  CHECK(place.store->failure() == "the disk is full");
  CHECK(place.store->saved() == 4);
  CHECK(place.warnings == std::vector<std::string>(3, "the disk is full"));
}

TEST_CASE("ranks of which one does not see the folder are refused together", "[unit]") {
  Place place;
  test::TemporaryFolder const elsewhere;
  auto const failures = test::as_ranks(2, 60s, [&](dist::ProcessGroup& group) {
    auto files = place.files;
    if (!group.first()) files.out = elsewhere.path();
    RunStore const store(place.config, files, "small", {}, &group);
  });
  for (auto const& failure : failures) {
    CHECK_THAT(failure, ContainsSubstring("cannot take checkpoints: "));
  }
}
