#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/app/inspect/histogram.hpp>
#include <vcflash/app/inspect/media_check.hpp>
#include <vcflash/app/inspect/parallel.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/base/chat_template.hpp>
#include <vcflash/base/error.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/media_text.hpp>
#include <vcflash/data/mixture.hpp>
#include <vcflash/data/sampler.hpp>
#include <vcflash/media/frame_folder.hpp>
#include <vcflash/media/frame_sampling.hpp>
#include <vcflash/media/preprocess.hpp>
#include <vcflash/media/video.hpp>
#include <vcflash/recipe/stage.hpp>
#include <vcflash/text/chat.hpp>
#include <vcflash/text/time_message.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/text/turns.hpp>

namespace vcflash::app {

/// What decides how long a row becomes.
struct SurveySettings {
  FrameSampling sampling = FrameSampling::dynamic_fps1;
  std::int64_t min_frames = 1, max_frames = 8, clip_length = 4;
  std::int64_t tokens_of_frame = 16;  ///< of a video
  std::int64_t tokens_of_image = 64;  ///< of a whole image, and of each of its tiles
  ImageLayout images = ImageLayout::anyres_nopad;
  std::int64_t image_size = 224;  ///< pixels a side of a tile
  ChatTemplate chat = ChatTemplate::qwen_2;
  bool time_message = true;  ///< conversations say how long their video is
  std::int64_t max_length = 32768;
  std::int64_t global_batch = 256, micro_batch = 1, epochs = 1;
  std::int64_t max_steps = 0;  ///< of the run; 0: as many as the epochs have
  data::Order order = data::Order::grouped;
  bool allow_outside = false;  ///< media may lie outside their data_root

  /// Micro-batches of a step.
  std::int64_t accumulation() const {
    return std::max<std::int64_t>(1, global_batch / micro_batch);
  }
};

/// What is found out about a set, or about all of them.
struct SetSurvey {
  std::int64_t rows = 0, broken = 0;  ///< to train on; of the wrong shape
  std::array<std::int64_t, 3> of_modality{};
  std::int64_t missing = 0, unreadable = 0, unusable = 0;  ///< rows by their medium; by their text
  std::int64_t too_long = 0;                               ///< rows over the longest that is taken
  Histogram words, tokens, frames;
  std::vector<std::string> problems;  ///< the first of them
  std::vector<std::string> remarks;   ///< what is odd and costs no row; the first of them

  static constexpr std::size_t most_problems = 20;

  std::int64_t lost() const { return broken + missing + unreadable + unusable; }

  void note(std::string problem) {
    if (problems.size() < most_problems) problems.push_back(std::move(problem));
  }

  void remark(std::string const& sentence) {
    bool const known = std::ranges::find(remarks, sentence) != remarks.end();
    if (!known && remarks.size() < most_problems) remarks.push_back(sentence);
  }

  void merge(SetSurvey const& other) {
    rows += other.rows;
    broken += other.broken;
    for (std::size_t i = 0; i < 3; ++i) of_modality[i] += other.of_modality[i];
    missing += other.missing;
    unreadable += other.unreadable;
    unusable += other.unusable;
    too_long += other.too_long;
    words.merge(other.words);
    tokens.merge(other.tokens);
    frames.merge(other.frames);
    for (auto const& problem : other.problems) note(problem);
    for (auto const& sentence : other.remarks) remark(sentence);
  }
};

struct Survey {
  std::vector<SetSurvey> sets;
  std::int64_t media = 0;  ///< different files and folders
  bool tokens_counted = false, media_opened = false;

  SetSurvey all() const {
    SetSurvey sum;
    for (auto const& set : sets) sum.merge(set);
    return sum;
  }
};

/// Rows, modalities and words by set: what the indexes know.
inline Survey survey_index(data::Mixture const& mixture) {
  Survey survey;
  survey.sets.resize(mixture.sets().size());
  for (std::size_t s = 0; s < survey.sets.size(); ++s) {
    auto const& set = mixture.sets()[s];
    auto& found = survey.sets[s];
    found.rows = set.count;
    if (set.media_type == data::MediaType::mix && !set.data_root.empty())
      found.remark(fmt::format("{}: media_type mix does not use the data_root {}; any does",
                               set.json_path, set.data_root));
    for (std::int64_t i = set.first; i < set.first + set.count; ++i) {
      ++found.of_modality[static_cast<std::size_t>(mixture.modality(i))];
      found.words.add(mixture.words(i));
    }
  }
  for (auto const& row : mixture.broken()) {
    survey.sets[row.set].broken += 1;
    survey.sets[row.set].note(row.sentence());
  }
  return survey;
}

namespace detail {

/// Goes through the rows of a mixture with what is known of their media.
class RowSurvey {
 public:
  RowSurvey(data::Mixture const& mixture, SurveySettings const& settings,
            text::Tokenizer const* tokenizer, int threads)
      : mixture_(mixture),
        settings_(settings),
        tokenizer_(tokenizer),
        threads_(threads),
        grids_(media::grids({1, 1}, {6, 6}, static_cast<int>(settings.image_size))) {}

  void run(Survey& survey, MediaJournal* journal) {
    if (tokenizer_ != nullptr) {  // a tokenizer that does not fit the template is no row's fault
      std::array turns{text::Turn{text::Turn::From::human, std::string(text::image_tag)},
                       text::Turn{text::Turn::From::gpt, ""}};
      text::encode_conversation(*tokenizer_, settings_.chat, turns, true);
    }
    auto const files = media_files();
    facts_ = check_media(files, journal, threads_);
    for (std::size_t i = 0; i < files.size(); ++i) places_.emplace(files[i], i);
    survey.media = static_cast<std::int64_t>(files.size());
    survey.media_opened = journal != nullptr;
    survey.tokens_counted = tokenizer_ != nullptr;
    auto const parts = by_thread<std::vector<SetSurvey>>(
        "reading rows", std::vector<SetSurvey>(survey.sets.size()),
        [&](std::vector<SetSurvey>& sets, std::int64_t row) { look_at(row, sets[set_of(row)]); });
    for (auto const& sets : parts)
      for (std::size_t s = 0; s < sets.size(); ++s) survey.sets[s].merge(sets[s]);
  }

 private:
  template <class Part, class Look>
  std::vector<Part> by_thread(std::string const& what, Part const& empty, Look&& look) const {
    std::vector<Part> parts(static_cast<std::size_t>(threads_), empty);
    Progress progress(what, "row", mixture_.size());
    in_parallel(
        mixture_.size(), threads_, 512,
        [&](int thread, std::int64_t first, std::int64_t last) {
          for (std::int64_t row = first; row < last; ++row)
            look(parts[static_cast<std::size_t>(thread)], row);
        },
        [&](std::int64_t done) { progress.update(done); });
    return parts;
  }

  std::vector<MediaFile> media_files() const {
    auto const parts = by_thread<std::set<MediaFile>>(
        "listing media", {}, [&](std::set<MediaFile>& files, std::int64_t index) {
          if (mixture_.modality(index) == Modality::text) return;
          auto const row = mixture_.row(index);
          for (auto const& path : row.media) files.insert({path, row.read_type, row.modality});
        });
    std::set<MediaFile> all;
    for (auto const& files : parts) all.insert(files.begin(), files.end());
    return {all.begin(), all.end()};
  }

  std::size_t set_of(std::int64_t row) const {
    auto const& sets = mixture_.sets();
    auto const after = std::ranges::upper_bound(sets, row, {}, &data::DataSet::first);
    return static_cast<std::size_t>(after - sets.begin()) - 1;
  }

  void look_at(std::int64_t index, SetSurvey& found) const {
    auto const row = mixture_.row(index);
    Seen seen;
    for (auto const& path : row.media) {
      auto const& facts = facts_[places_.at({path, row.read_type, row.modality})];
      if (!facts.problem.empty()) {
        ++(facts.missing ? found.missing : found.unreadable);
        found.note(facts.problem);
        return;
      }
      if (!facts.remark.empty()) found.remark(facts.remark);
      try {
        data::require_inside(path, row.root);
        if (row.modality == Modality::image) {
          seen.tokens += image_tokens(row, facts);
          seen.time_messages.emplace_back();
        } else {
          add_video(path, row, facts, seen, found);
        }
      } catch (InputError const& error) {
        ++found.unusable;
        std::string const problem = error.what();
        found.note(problem.starts_with(path) ? problem : fmt::format("{}: {}", path, problem));
        return;
      }
    }
    if (tokenizer_ != nullptr) count_tokens(row, seen, found);
  }

  /// What the media of a row add to it.
  struct Seen {
    std::int64_t tokens = 0;
    std::vector<std::string> time_messages;  ///< one a medium
  };

  /// Of several images in a row each is padded to one square. An image that was not opened counts
  /// as one, too.
  std::int64_t image_tokens(data::Row const& row, MediaFacts const& facts) const {
    bool const tiled = settings_.images == ImageLayout::anyres_nopad && row.media.size() == 1;
    if (!tiled || facts.width == 0) return settings_.tokens_of_image;
    auto const side = static_cast<int>(settings_.image_size);
    auto const grid = media::best_grid({facts.width, facts.height}, grids_, side);
    return settings_.tokens_of_image * (1 + grid.width / side * (grid.height / side));
  }

  void add_video(std::string const& path, data::Row const& row, MediaFacts const& facts, Seen& seen,
                 SetSurvey& found) const {
    media::ChosenLength chosen{settings_.max_frames, 0};  // at most, of a video that was not opened
    if (facts.length > 0) {
      chosen = chosen_of(path, row, facts);
      found.frames.add(chosen.frames);
    }
    seen.tokens += chosen.frames * settings_.tokens_of_frame;
    seen.time_messages.push_back(
        settings_.time_message ? text::time_message(chosen.duration, chosen.frames) : "");
  }

  /// What training chooses. A film is asked whether a clip's frames are there only where the clip
  /// comes near its end.
  media::ChosenLength chosen_of(std::string const& path, data::Row const& row,
                                MediaFacts const& facts) const {
    media::FrameRequest request{settings_.sampling, settings_.min_frames, settings_.max_frames,
                                settings_.clip_length};
    if (row.start && row.end) request.start = row.start, request.end = row.end;
    bool const folder = row.read_type == "img";
    if (request.end && !folder) {
      auto const wanted = static_cast<double>(media::clip_frame_count(request));
      double const left = static_cast<double>(facts.length) / facts.fps - *request.end;  // seconds
      if (row.read_type == "gif" || left < 2 + wanted / facts.fps)
        return media::plan_video(path, request);
    }
    auto const plan =
        folder ? media::plan_folder(request, facts.length, media::folder_fps(row.media[0]))
               : media::plan_frames(request, facts.length, facts.fps);
    return {static_cast<std::int64_t>(plan.indices.size()), plan.duration};
  }

  void count_tokens(data::Row const& row, Seen const& seen, SetSurvey& found) const {
    auto turns = row.turns;
    bool const has_media = !row.media.empty();
    if (has_media) data::place_media(turns, seen.time_messages);
    text::Encoded encoded;
    try {
      encoded = text::encode_conversation(*tokenizer_, settings_.chat, turns, has_media);
    } catch (InputError const& error) {
      ++found.unusable;
      found.note(fmt::format("row {}: {}", row.number, error.what()));
      return;
    }
    auto const places = std::ranges::count(encoded.input_ids, media_placeholder);
    if (places != std::ssize(row.media)) {
      ++found.unusable;
      found.note(
          fmt::format("row {}: has {} <image> for {} media", row.number, places, row.media.size()));
      return;
    }
    auto const tokens = std::ssize(encoded.input_ids) - places + seen.tokens;
    found.tokens.add(tokens);
    found.too_long += tokens > settings_.max_length ? 1 : 0;
  }

  data::Mixture const& mixture_;
  SurveySettings const& settings_;
  text::Tokenizer const* tokenizer_;
  int threads_;
  std::vector<media::Extent> grids_;  ///< that an image may be cut in, in pixels
  std::vector<MediaFacts> facts_;
  std::map<MediaFile, std::size_t> places_;
};

}  // namespace detail

/// All that is to be known before a run: `survey_index`, and row by row the media and the lengths.
/// \param tokenizer null: tokens are not counted  \param journal null: media are not opened
inline Survey survey_rows(data::Mixture const& mixture, SurveySettings const& settings,
                          text::Tokenizer const* tokenizer, MediaJournal* journal, int threads) {
  Survey survey = survey_index(mixture);
  detail::RowSurvey(mixture, settings, tokenizer, threads).run(survey, journal);
  return survey;
}

}  // namespace vcflash::app
