#pragma once

#include <vcflash/app/eval_arguments.hpp>
#include <vcflash/app/needle_results.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/eval/journal.hpp>
#include <vcflash/eval/needle_exam.hpp>
#include <vcflash/eval/needle_run.hpp>
#include <vcflash/eval/share.hpp>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A needle in a haystack, as `eval-<model>` asks it.
namespace vcflash::app::detail {

/// \throws InputError for the first question whose prompt is longer than the model takes
template <Model M>
void require_prompts_fit(std::vector<eval::needle::Case> const& cases) {
  for (auto const& asked : cases) {
    auto const prompt = eval::needle::length(asked.layout, eval::needle::frame_tokens<M>(),
                                             eval::needle::clip_tokens<M>());
    try {
      infer::require_fits<InputError>(M::Llm::config, prompt + std::ssize(asked.answer_ids) - 1);
    } catch (InputError const& error) {
      fail<InputError>("a haystack of ", asked.frames, " frames is too long: ", error.what());
    }
  }
}

/// What the needles and the haystack look like to a model.
template <Model M>
eval::needle::Search<M> search_of(typename M::Network const& network,
                                  std::vector<eval::needle::Row> const& rows,
                                  EvalArguments const& arguments,
                                  std::filesystem::path const& haystack) {
  std::vector<Tensor> needles;
  std::vector<std::int64_t> first_needle;
  for (auto const& row : rows) {
    first_needle.push_back(std::ssize(needles));
    for (auto const& image : row.images) {
      needles.push_back(eval::needle::look_at_needle<M>(network, image));
    }
  }
  auto const wanted = arguments.grid.frames().back();
  Progress progress("haystack", "frame", wanted);
  Tensor const hay = eval::needle::look_at_haystack<M>(
      network, haystack, wanted,
      [&](std::int64_t seen) { progress.update(std::min(seen, wanted)); });
  return {network, hay, needles, std::move(first_needle)};
}

/// Runs one of the two tests and writes what came of it.
/// \param data, media folders of its questions and its pictures  \param out of its results
template <Model M>
void evaluate_needles(eval::needle::Hops hops, EvalArguments const& arguments,
                      std::filesystem::path const& data, std::filesystem::path const& media,
                      eval::Share const& share, std::filesystem::path const& out,
                      LazyModel<M>& model) {
  namespace needle = eval::needle;
  std::string const name(needle::name_of(hops));
  double const began = Progress::steady_seconds();
  auto rows = needle::load_rows(hops, data, media.empty() ? data : media);
  if (arguments.limit > 0 && arguments.limit < std::ssize(rows)) {
    rows.resize(static_cast<std::size_t>(arguments.limit));
  }
  auto const tokenizer = tokenizer_for(M::Llm::config, arguments.model);
  auto const cases = needle::cases_of(hops, rows, arguments.grid, tokenizer);
  require_prompts_fit<M>(cases);
  auto const haystack =
      arguments.haystack.empty() ? data / "video_haystack.mkv" : arguments.haystack;
  auto about = about_model<M>(arguments);
  about["haystack"] = haystack.string();
  nlohmann::json header = about;
  header["benchmark"] = name;
  header["weights"] = folder_fingerprint(arguments.model);
  header["questions"] = needles_fingerprint(rows, cases);

  checkpoint::make_folder(out);
  if (arguments.fresh) std::filesystem::remove(eval::journal_path(out, share.rank));
  eval::Journal journal(eval::journal_path(out, share.rank), header);
  auto known = eval::journalled_answers(out, header);
  std::vector<std::size_t> left;
  std::int64_t done = 0, right = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (auto const answer = known.find(cases[i].id); answer != known.end()) {
      ++done;
      right += needle::is_right(cases[i], answer->second) ? 1 : 0;
    } else if (share.takes(cases[i].group)) {
      left.push_back(i);
    }
  }
  if (done > 0) {
    spdlog::info("{}: {} of {} questions were answered before", name, done, cases.size());
  }
  if (!left.empty()) {
    auto const& loaded = model();
    auto search = search_of<M>(loaded.network, rows, arguments, haystack);
    Progress progress(name, "question", done + std::ssize(left), done);
    for (std::size_t const i : left) {
      eval::Said const said{.text = loaded.tokenizer.decode(search.predict(cases[i]))};
      journal.add(cases[i].id, said);
      right += needle::is_right(cases[i], said) ? 1 : 0;
      ++done;
      progress.update(done, fmt::format("score {:.3f}",
                                        static_cast<double>(right) / static_cast<double>(done)));
    }
  }
  if (share.rank != 0) return;

  known = eval::gather_answers(out, header, share, [&](auto const& answers) {
    return std::ranges::count_if(cases, [&](auto const& c) { return !answers.contains(c.id); });
  });
  std::vector<eval::Said> said;
  for (auto const& asked : cases) said.push_back(known.at(asked.id));
  auto const average = write_needle_results(out, hops, rows, cases, said, about);
  for (auto const& path : eval::journals(out)) std::filesystem::remove(path);
  fmt::print("average accuracy {:.4f}\n{} questions in {}; see {}\n", average, cases.size(),
             as_duration(Progress::steady_seconds() - began), (out / "heatmap.svg").string());
}

}  // namespace vcflash::app::detail
