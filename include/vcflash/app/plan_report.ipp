#pragma once

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <vcflash/app/plan_report.hpp>
#include <vcflash/recipe/describe.hpp>

namespace vcflash::app {

namespace detail {

inline constexpr double gib = 1024.0 * 1024.0 * 1024.0;
inline constexpr double tera = 1e12;

/// A row for each category and one for all, a column for each part and one for all.
template <class Amounts, class Category>
std::string table(std::string_view unit, Amounts const& amounts,
                  std::vector<Category> const& categories, double scale) {
  auto const cell = [&](auto amount) {
    return amount == 0 ? fmt::format("{:>12}", "-")
                       : fmt::format("{:>12.3f}", static_cast<double>(amount) / scale);
  };
  std::string text = fmt::format("{:<14}", unit);
  for (std::size_t part = 0; part < part_count; ++part) {
    text += fmt::format("{:>12}", name_of(static_cast<Part>(part)));
  }
  text += fmt::format("{:>12}\n", "all");
  for (auto const category : categories) {
    text += fmt::format("{:<14}", name_of(category));
    for (std::size_t part = 0; part < part_count; ++part) {
      text += cell(amounts(category, static_cast<Part>(part)));
    }
    text += cell(amounts.of(category)) + '\n';
  }
  text += fmt::format("{:<14}", "all");
  for (std::size_t part = 0; part < part_count; ++part) {
    text += cell(amounts.of(static_cast<Part>(part)));
  }
  return text + cell(amounts.total()) + '\n';
}

/// The same as an object of objects.
template <class Amounts, class Category>
nlohmann::ordered_json object(Amounts const& amounts, std::vector<Category> const& categories) {
  nlohmann::ordered_json json;
  for (auto const category : categories) {
    auto& row = json[std::string(name_of(category))];
    for (std::size_t part = 0; part < part_count; ++part) {
      auto const at = static_cast<Part>(part);
      row[std::string(name_of(at))] = amounts(category, at);
    }
    row["all"] = amounts.of(category);
  }
  json["all"] = amounts.total();
  return json;
}

inline std::vector<train::Purpose> purposes() {
  using enum train::Purpose;
  return {weights, gradients, optimizer, activations, batch};
}

/// The optimizer multiplies no matrices.
inline std::vector<train::Pass> passes() {
  using enum train::Pass;
  return {forward, recomputation, backward};
}

/// "3 conversations".
inline std::string counted(std::int64_t count, std::string_view what) {
  return fmt::format("{} {}{}", with_commas(count), what, count == 1 ? "" : "s");
}

inline std::string text_of(train::PlannedBatch const& batch) {
  return fmt::format("{} of {} ({}) and {} of text", counted(batch.conversations, "conversation"),
                     counted(batch.frames, "frame"), counted(batch.visual, "visual token"),
                     counted(batch.text, "token"));
}

/// Bytes of micro batches that are read ahead of the step.
inline std::int64_t read_ahead(train::Plan const& plan, train::RunConfig const& run) {
  return plan.peak.of(train::Purpose::batch) * run.prefetch;
}

inline std::string when(train::Pass pass) {
  using enum train::Pass;
  switch (pass) {
    case forward:
      return "in the forward pass";
    case recomputation:
    case backward:
      return "in the backward pass";
    case optimizer:
      return "in the optimizer's step";
  }
  return "";
}

}  // namespace detail

VCFLASH_INLINE std::string to_text(train::Plan const& plan, train::RunConfig const& run,
                                   std::string_view recipe) {
  auto const who = plan.processes == 1 ? std::string("one process")
                                       : fmt::format("one of {} processes, ZeRO {}", plan.processes,
                                                     plan.zero.value);
  auto text = fmt::format("{}: a step of {}, {}\n\n", recipe, who, train::name_of(plan.dtype));
  text += fmt::format("micro batch   {}\n", detail::text_of(plan.batch));
  text += fmt::format("step          {} a process\n\n",
                      plan.micro_batches == 1
                          ? "1 micro batch"
                          : fmt::format("{} micro batches", with_commas(plan.micro_batches)));
  text += detail::table("GiB", plan.peak, detail::purposes(), detail::gib);
  text += fmt::format(
      "\nThat is the most, {}. {:.3f} GiB stay from step to step. Samples read ahead take up to "
      "{:.3f} GiB\n(data.prefetch = {}), and decoded frames {:.3f} GiB (data.frame_cache).\n\n",
      detail::when(plan.pass_of_peak), static_cast<double>(plan.kept.total()) / detail::gib,
      static_cast<double>(detail::read_ahead(plan, run)) / detail::gib, run.prefetch,
      static_cast<double>(run.frame_cache) / 1024);
  text += detail::table("TFLOP", plan.work, detail::passes(), detail::tera);
  text += fmt::format("\nThat is a micro batch. A step takes {:.3f} TFLOP a process",
                      plan.step_flops() / detail::tera);
  if (plan.processes > 1) {
    text += fmt::format(", {:.3f} in all",
                        plan.step_flops() * static_cast<double>(plan.processes) / detail::tera);
  }
  return text + ".\n";
}

VCFLASH_INLINE nlohmann::ordered_json to_json(train::Plan const& plan, train::RunConfig const& run,
                                              std::string_view recipe) {
  auto const& batch = plan.batch;
  return {{"recipe", recipe},
          {"dtype", train::name_of(plan.dtype)},
          {"processes", plan.processes},
          {"zero", plan.zero.value},
          {"micro_batch",
           {{"conversations", batch.conversations},
            {"frames", batch.frames},
            {"visual_tokens", batch.visual},
            {"text_tokens", batch.text}}},
          {"micro_batches", plan.micro_batches},
          {"peak_bytes", detail::object(plan.peak, detail::purposes())},
          {"peak_in", name_of(plan.pass_of_peak)},
          {"kept_bytes", detail::object(plan.kept, detail::purposes())},
          {"read_ahead_bytes", detail::read_ahead(plan, run)},
          {"micro_batch_flops", detail::object(plan.work, detail::passes())},
          {"step_flops", plan.step_flops()}};
}

VCFLASH_INLINE std::string out_of_memory(train::Plan const* plan, train::RunConfig const& run,
                                         std::int64_t clip_frames) {
  auto const& recipe = run.recipe;
  std::vector<std::string> lower;
  if (recipe.micro_batch > 1) {
    lower.push_back(fmt::format("a lower train.micro_batch (now {})", recipe.micro_batch));
  }
  if (recipe.max_frames > clip_frames) {
    lower.push_back(fmt::format("a lower data.max_frames (now {})", recipe.max_frames));
  }
  lower.push_back(fmt::format("a lower data.max_length (now {})", recipe.max_length));
  if (!recipe.gradient_checkpointing) lower.emplace_back("train.gradient_checkpointing=true");
  if (run.dtype == at::kFloat) lower.emplace_back("train.dtype=bfloat16");
  if (run.batch_threads > 1) {
    lower.push_back(fmt::format("fewer train.batch_threads (now {})", run.batch_threads));
  }
  lower.push_back(
      fmt::format("a lower data.frame_cache (now {} MiB) or data.prefetch", run.frame_cache));
  if (plan != nullptr && plan->zero.value < 3) {
    lower.push_back(
        fmt::format("a recipe with more than Zero<{}> on several processes", plan->zero.value));
  } else {
    lower.emplace_back("more processes");
  }
  auto const predicted =
      plan == nullptr
          ? std::string()
          : fmt::format(
                ": --plan predicts {:.2f} GiB for a step with {} ({:.2f} of weights, {:.2f} "
                "of gradients, {:.2f} of the optimizer's state, {:.2f} of activations)",
                static_cast<double>(plan->peak.total()) / detail::gib, detail::text_of(plan->batch),
                static_cast<double>(plan->peak.of(train::Purpose::weights)) / detail::gib,
                static_cast<double>(plan->peak.of(train::Purpose::gradients)) / detail::gib,
                static_cast<double>(plan->peak.of(train::Purpose::optimizer)) / detail::gib,
                static_cast<double>(plan->peak.of(train::Purpose::activations)) / detail::gib);
  return fmt::format("there is not enough memory{}; less is needed with {}.", predicted,
                     fmt::join(lower, ", "));
}

}  // namespace vcflash::app
