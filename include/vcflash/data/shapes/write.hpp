#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/data/shapes/questions.hpp>
#include <vcflash/data/shapes/render.hpp>
#include <vcflash/data/shapes/scene.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

/// Writes the shapes task: a small data set in the ecosystem's formats that a tiny model can learn.
///
///     OUT/stage1.yaml … stage4.yaml       data mixtures
///     OUT/annotations/SET.jsonl           LLaVA-NeXT rows of each set
///     OUT/clips/4s, 8s, 16s/000042.mp4    training clips, 16 frames at 4, 2 and 1 a second:
///     sampled
///                                         once a second they give 4, 8 and 16 frames
///     OUT/tokenizer/                      a tokenizer that knows the task's words
///     OUT/shapes/questions.json           held-out questions, a list of
///         {"id": 0, "video": "clips/000003.mp4",        8 s, relative to questions.json
///          "kind": "colour" | "shape" | "direction" | "order" | "count",
///          "question": "what colour is it ? red A blue B green C yellow D",   as in training
///          "options": ["red", "blue", "green", "yellow"],
///          "letter": "B", "answer": "blue",              a model says " blue B"
///          "reversed_letter": "C" or null,               right if the frames come in reverse order
///          "control_video": "clips/000007.mp4"}          another clip, which tells nothing
///
/// Everything is the same for the same seed and number of clips.
namespace vcflash::data::shapes {

struct WriteOptions {
  std::filesystem::path out;
  std::uint64_t seed = 0;
  std::int64_t clips = 4000;    ///< for training; the sets' rows grow with them
  std::int64_t held_out = 200;  ///< clips of the benchmark
};

inline constexpr int frames = 16, side = 128;

/// One annotation file of a stage. A step is 32 rows.
struct SetPlan {
  std::string_view name;
  std::int64_t stage;
  std::int64_t steps;    ///< of 4,000 clips
  std::int64_t seconds;  ///< how long its clips last: frames at one a second
  bool single;           ///< one object in every clip
  std::int64_t turns;
  Weights weights;
};

inline constexpr std::int64_t rows_a_step = 32;

/// The curriculum: 30 steps of stage 1, 1,270 of stage 2 in three parts, 120 of stage 3, 360
/// of stage 4. Multiple choice is learned on single objects before there are several, order on 4
/// frames before there are 8.
inline std::vector<SetPlan> const& curriculum() {
  static std::vector<SetPlan> const sets{
      {"stage1_captions", 1, 30, 4, true, 1, {0, 0, 1}},
      {"stage2_single", 2, 450, 4, true, 3, {2, 3, 0.5}},
      {"stage2_several", 2, 480, 4, false, 3, {2, 4, 3}},
      {"stage2_longer", 2, 340, 8, false, 4, {1, 4, 1}},
      {"stage3_longest", 3, 40, 16, false, 4, {1, 4, 0}},
      {"stage3_longer", 3, 80, 8, false, 4, {1, 4, 0}},
      {"stage4_longer", 4, 360, 8, false, 4, {1, 1, 0}},
  };
  return sets;
}

/// Counts of what was written.
struct Written {
  std::int64_t clips = 0, rows = 0, questions = 0, vocabulary = 0;
};

namespace detail {

enum Purpose : std::uint64_t { training_scene = 1, held_out_scene, benchmark, first_set };

/// Half of the training clips hold one object, the others 2 to 4 in turn.
inline Scene training_scene_of(std::uint64_t seed, std::int64_t clip) {
  Random random(seed, training_scene, static_cast<std::uint64_t>(clip));
  return draw_scene(clip % 2 == 0 ? 1 : 2 + clip / 2 % 3, random);
}

/// Two in five held-out clips hold one object, one in five each of 2, 3 and 4.
inline Scene held_out_scene_of(std::uint64_t seed, std::int64_t clip) {
  Random random(seed, held_out_scene, static_cast<std::uint64_t>(clip));
  return draw_scene(std::max<std::int64_t>(1, clip % 5), random);
}

inline std::string clip_name(std::int64_t clip) { return fmt::format("{:06}.mp4", clip); }

inline void write_text(std::filesystem::path const& path, std::string const& text) {
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) throw Error(fmt::format("{}: cannot be written; is the disk full?", path.string()));
}

/// One clip to paint and write.
struct ClipJob {
  std::filesystem::path path;
  std::int64_t clip, seconds;
  bool held_out;
};

inline void write_clips(std::vector<ClipJob> const& jobs, std::uint64_t seed) {
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failure;
  std::mutex guard;
  auto const work = [&] {
    try {
      for (std::size_t i = next++; i < jobs.size(); i = next++) {
        ClipJob const& job = jobs[i];
        Scene const scene =
            job.held_out ? held_out_scene_of(seed, job.clip) : training_scene_of(seed, job.clip);
        media::write_video(job.path, render(scene, frames, side),
                           {.fps = double(frames) / double(job.seconds)});
      }
    } catch (...) {
      std::scoped_lock const lock(guard);
      failure = std::current_exception();
      next = jobs.size();
    }
  };
  {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
      workers.emplace_back(work);
  }
  if (failure) std::rethrow_exception(failure);
}

/// The rows of one set, as JSON lines; tells `used` which clips they show.
inline std::string rows_of(SetPlan const& plan, std::uint64_t number, WriteOptions const& options,
                           std::int64_t rows, std::set<std::int64_t>& used) {
  std::string text;
  for (std::int64_t i = 0; i < rows; ++i) {
    Random random(options.seed, first_set + number, static_cast<std::uint64_t>(i));
    std::int64_t const clip =
        plan.single ? random.below((options.clips + 1) / 2) * 2 : random.below(options.clips);
    Scene const scene = training_scene_of(options.seed, clip);
    nlohmann::ordered_json row{{"id", fmt::format("{}-{}", plan.name, i)},
                               {"video", clip_name(clip)},
                               {"conversations", nlohmann::ordered_json::array()}};
    for (auto const& turn : converse(scene, plan.turns, plan.weights, random))
      row["conversations"].push_back(
          {{"from", turn.from == text::Turn::From::human ? "human" : "gpt"},
           {"value", turn.value}});
    text += row.dump() + '\n';
    used.insert(clip);
  }
  return text;
}

/// The kinds that are asked about a held-out clip. `count` is asked as often for each number of
/// objects, or a black video would score well.
inline std::vector<Kind> kinds_asked(std::int64_t clip, Scene const& scene) {
  std::vector<Kind> kinds;
  for (std::size_t k = 0; k < kind_names.size(); ++k)
    if (auto const kind = static_cast<Kind>(k); fits(kind, scene))
      if (kind != Kind::count || clip % 5 != 0) kinds.push_back(kind);
  return kinds;
}

inline nlohmann::ordered_json questions_of(WriteOptions const& options) {
  std::vector<Scene> scenes;
  for (std::int64_t clip = 0; clip < options.held_out; ++clip)
    scenes.push_back(held_out_scene_of(options.seed, clip));
  auto out = nlohmann::ordered_json::array();
  for (std::int64_t clip = 0; clip < options.held_out; ++clip) {
    Scene const& scene = scenes[static_cast<std::size_t>(clip)];
    for (Kind const kind : kinds_asked(clip, scene)) {
      Random random(options.seed, benchmark, out.size());
      Question const question = ask(kind, scene, random);
      Choice const choice = offer(question, random);
      std::int64_t control = clip;  // another clip of which the same can be asked
      while (control == clip || !fits(kind, scenes[static_cast<std::size_t>(control)]))
        control = random.below(options.held_out);
      nlohmann::ordered_json row{{"id", out.size()},
                                 {"video", "clips/" + clip_name(clip)},
                                 {"kind", name_of(kind)},
                                 {"question", choice.text(question)},
                                 {"options", choice.options},
                                 {"letter", letters[choice.right]},
                                 {"answer", question.answer},
                                 {"reversed_letter", nullptr},
                                 {"control_video", "clips/" + clip_name(control)}};
      if (choice.reversed) row["reversed_letter"] = letters[*choice.reversed];
      out.push_back(std::move(row));
    }
  }
  return out;
}

}  // namespace detail

/// Writes all of it; files that are there already are overwritten.
/// \throws InputError for too few clips, Error if something cannot be written
inline Written write(WriteOptions const& options) {
  namespace fs = std::filesystem;
  if (options.clips < 2 || options.held_out < 10)
    throw InputError(fmt::format(
        "the shapes task needs at least 2 training and 10 held-out clips, not {} and {}.",
        options.clips, options.held_out));
  try {
    for (char const* folder :
         {"annotations", "shapes/clips", "tokenizer", "clips/4s", "clips/8s", "clips/16s"})
      fs::create_directories(options.out / folder);
  } catch (fs::filesystem_error const& error) {
    throw Error(fmt::format("{}: the folder cannot be made ({}).", options.out.string(),
                            error.code().message()));
  }

  Written written;
  std::map<std::int64_t, std::set<std::int64_t>> used;  // seconds: clips
  std::map<std::int64_t, std::string> mixtures;         // stage: YAML
  for (std::size_t number = 0; number < curriculum().size(); ++number) {
    SetPlan const& plan = curriculum()[number];
    std::int64_t const steps = std::max<std::int64_t>(1, plan.steps * options.clips / 4000);
    auto const name = fmt::format("annotations/{}.jsonl", plan.name);
    detail::write_text(
        options.out / name,
        detail::rows_of(plan, number, options, steps * rows_a_step, used[plan.seconds]));
    std::string& yaml = mixtures[plan.stage];
    if (yaml.empty()) yaml = "datasets:\n";
    yaml += fmt::format("  - json_path: {}\n    sampling_strategy: all\n    data_root: clips/{}s\n",
                        name, plan.seconds);
    written.rows += steps * rows_a_step;
  }
  for (auto const& [stage, yaml] : mixtures)
    detail::write_text(options.out / fmt::format("stage{}.yaml", stage), yaml);

  auto const questions = detail::questions_of(options);
  detail::write_text(options.out / "shapes/questions.json", questions.dump(1) + '\n');
  written.questions = static_cast<std::int64_t>(questions.size());
  written.vocabulary =
      text::write_word_tokenizer(options.out / "tokenizer", vocabulary()).vocabulary();

  std::vector<detail::ClipJob> jobs;
  for (auto const& [seconds, clips] : used)
    for (std::int64_t const clip : clips)
      jobs.push_back({options.out / fmt::format("clips/{}s", seconds) / detail::clip_name(clip),
                      clip, seconds, false});
  for (std::int64_t clip = 0; clip < options.held_out; ++clip)
    jobs.push_back({options.out / "shapes/clips" / detail::clip_name(clip), clip, 8, true});
  detail::write_clips(jobs, options.seed);
  written.clips = static_cast<std::int64_t>(jobs.size());
  return written;
}

}  // namespace vcflash::data::shapes
