#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The report's drawings, as inline SVG and HTML that take their colours from the page.
namespace vcflash::app {

/// Text as it may stand in HTML, attributes included.
inline std::string escaped(std::string_view text) {
  std::string safe;
  for (char const c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

/// Bytes as a `data:` address takes them.
inline std::string base64(std::span<std::uint8_t const> bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::size_t const here = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < here ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= here ? digits[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return text;
}

/// The values from which all panels of one row of charts are drawn.
struct LossRange {
  double low = 0.01, high = 10;

  static LossRange of(std::span<std::vector<double> const> curves) {
    double low = 1e9, high = 0;
    for (auto const& curve : curves) {
      for (double const loss : curve) {
        if (loss > 0) low = std::min(low, loss), high = std::max(high, loss);
      }
    }
    if (high <= 0) return {};
    return {low / 1.15, high * 1.15};
  }
};

namespace detail {

/// A running mean over a hundredth of the curve.
inline std::vector<double> smoothed(std::vector<double> const& values) {
  double const keep = 1 - 1 / std::clamp(static_cast<double>(values.size()) / 100, 2.0, 20.0);
  std::vector<double> means;
  for (double const value : values) {
    means.push_back(means.empty() ? value : keep * means.back() + (1 - keep) * value);
  }
  return means;
}

/// A number in few letters: 1.5e-3, 0.05, 250, 15k.
inline std::string short_number(double value) {
  if (value >= 1e6) return fmt::format("{:.4g}M", value / 1e6);
  if (value >= 1e3) return fmt::format("{:.4g}k", value / 1e3);
  if (value == 0 || value >= 0.01) return fmt::format("{:.4g}", value);
  int const exponent = static_cast<int>(std::floor(std::log10(value) + 1e-9));
  return fmt::format("{:.3g}e{}", value / std::pow(10, exponent), exponent);
}

}  // namespace detail

/// How a chart's values become heights.
struct Axis {
  double low = 0, high = 1;
  bool logarithmic = false;
  std::vector<double> ticks{};

  /// 0 at the bottom, 1 at the top.
  double share(double value) const {
    double const inside = std::clamp(value, low, high);
    return logarithmic ? std::log(inside / low) / std::log(high / low)
                       : (inside - low) / (high - low);
  }

  /// From zero to a round number above all values, with four or five ticks.
  static Axis over(std::span<double const> values) {
    double most = 0;
    for (double const value : values) most = std::max(most, std::isfinite(value) ? value : 0);
    if (most <= 0) most = 1;
    double const decade = std::pow(10, std::floor(std::log10(most / 4)));
    double unit = decade;
    for (double const step : {1.0, 2.0, 2.5, 5.0, 10.0}) {
      if (unit * 5 < most) unit = decade * step;
    }
    Axis axis;
    axis.high = unit * std::ceil(most / unit);
    for (int i = 0; unit * i <= axis.high * 1.0001; ++i) axis.ticks.push_back(unit * i);
    return axis;
  }
};

/// A value by step: every step thinly, the running mean boldly. Values that are no numbers are left
/// out.
inline std::string step_chart(std::vector<double> const& all, Axis const& axis,
                              std::string_view label) {
  constexpr double width = 400, height = 190, left = 40, right = 8, top = 10, bottom = 24;
  std::vector<double> values;
  for (double const value : all) {
    if (std::isfinite(value)) values.push_back(value);
  }
  auto const x = [&](std::size_t i) {
    double const last = std::max<double>(1, static_cast<double>(values.size()) - 1);
    return left + (width - left - right) * static_cast<double>(i) / last;
  };
  auto const y = [&](double value) {
    return height - bottom - (height - bottom - top) * axis.share(value);
  };
  auto const path = [&](std::vector<double> const& points) {
    std::string d;
    std::size_t const stride = std::max<std::size_t>(1, points.size() / 400);
    for (std::size_t i = 0; i < points.size(); i += stride) {
      d += fmt::format("{}{:.1f} {:.1f}", i == 0 ? "M" : "L", x(i), y(points[i]));
    }
    return d;
  };
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", width,
                                height, escaped(label));
  for (double const tick : axis.ticks) {
    if (tick < axis.low || tick > axis.high * 1.0001) continue;
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
        "<text class=\"tick\" x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>",
        left, width - right, y(tick), left - 6, y(tick) + 3.5, detail::short_number(tick));
  }
  svg += fmt::format("<text class=\"tick\" x=\"{}\" y=\"{}\">1</text>", left, height - 8);
  svg += fmt::format("<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{} steps</text>",
                     width - right, height - 8, all.size());
  svg += fmt::format("<path class=\"raw\" d=\"{}\"/><path class=\"mean\" d=\"{}\"/></svg>",
                     path(values), path(detail::smoothed(values)));
  return svg;
}

/// Loss by step on a logarithmic scale.
inline std::string loss_chart(std::vector<double> const& losses, LossRange range,
                              std::string_view label) {
  return step_chart(losses,
                    {.low = range.low,
                     .high = range.high,
                     .logarithmic = true,
                     .ticks = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0}},
                    label);
}

/// One row of a chart of shares: a bar, and marks where luck and another share stand.
/// \param value said behind the bar  \param other_name of the other share, shown where one points
inline std::string share_row(std::string_view name, double share, std::optional<double> chance,
                             std::optional<double> other, std::string_view other_name,
                             std::string_view value) {
  std::string marks;
  if (chance) {
    marks = fmt::format("<span class=\"chance\" style=\"left:{:.1f}%\"></span>", 100 * *chance);
  }
  if (other) {
    marks +=
        fmt::format("<span class=\"control\" style=\"left:{:.1f}%\" title=\"{} {:.3f}\"></span>",
                    100 * *other, escaped(other_name), *other);
  }
  return fmt::format(
      "<div class=\"row{}\"><span class=\"kind\">{}</span><span class=\"track\">"
      "<span class=\"fill\" style=\"width:{:.1f}%\"></span>{}</span><span class=\"value\">{}</span>"
      "</div>",
      name == "all" ? " all" : "", escaped(name), 100 * share, marks, value);
}

/// One row of the accuracy chart, with marks where luck and the control stand.
inline std::string accuracy_row(std::string_view kind, double accuracy, double control,
                                double chance) {
  return share_row(kind, accuracy, chance, control, "control",
                   fmt::format("{:.1f}&thinsp;%", 100 * accuracy));
}

/// Where the time went: one bar of all phases and a legend.
inline std::string time_bar(std::vector<std::pair<std::string, double>> const& phases) {
  double all = 0;
  for (auto const& [name, seconds] : phases) all += seconds;
  std::string bar = "<div class=\"times\">", legend = "<ul class=\"legend\">";
  std::size_t i = 0;
  for (auto const& [name, seconds] : phases) {
    auto const colour = fmt::format("--c:var(--t{})", i++ % 8);
    double const share = all > 0 ? 100 * seconds / all : 0;
    bar += fmt::format("<span style=\"{};width:{:.2f}%\" title=\"{}: {:.1f} s\"></span>", colour,
                       share, escaped(name), seconds);
    legend += fmt::format("<li><i style=\"{}\"></i>{}<b>{:.0f}&thinsp;s</b></li>", colour,
                          escaped(name), seconds);
  }
  return bar + "</div>" + legend + "</ul>";
}

}  // namespace vcflash::app
