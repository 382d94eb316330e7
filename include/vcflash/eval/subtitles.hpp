#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/text_rules.hpp>
#include <vcflash/text/utf8.hpp>

/// What is said in a video, as upstream puts it into prompts.
namespace vcflash::eval {

/// The text of a file, its line ends made `\n` and its broken characters U+FFFD.
/// \throws InputError if it cannot be read or is over 64 MiB, which no subtitles are
inline std::string read_text(std::filesystem::path const& path) {
  std::error_code error;
  auto const size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) throw InputError(fmt::format("{}: cannot be read.", path.string()));
  constexpr std::uintmax_t most = 64u << 20;
  if (size > most) {
    throw InputError(fmt::format("{}: {} bytes are no subtitles; at most {} are expected.",
                                 path.string(), size, most));
  }
  std::string bytes(size, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return replaced(replaced(text::repaired_utf8(bytes), "\r\n", "\n"), "\r", "\n");
}

/// What is made of a file's text, which is kept until the thread asks for another file or the file
/// has changed: a question is put together several times, and beside others about its video.
/// \param make called as `make(text)`, if it is not known
/// \throws InputError as `read_text`, and what `make` throws
template <class Make>
auto const& made_of_file(std::filesystem::path const& path, Make&& make) {
  struct Made {
    std::filesystem::path path;
    std::uintmax_t size;
    std::filesystem::file_time_type written;
    std::invoke_result_t<Make&, std::string> value;
  };
  thread_local std::optional<Made> last;  // one for each type of `make`
  std::error_code error;
  auto const size = std::filesystem::file_size(path, error);
  auto const written = std::filesystem::last_write_time(path, error);
  if (!last || last->path != path || last->size != size || last->written != written) {
    last.reset();
    last.emplace(Made{path, size, written, make(read_text(path))});
  }
  return last->value;
}

/// The lines of a SubRip file that Video-MME's subtitles are: of every line the first text in
/// YouTube's white font. Text that goes over a line's end is left out.
inline std::vector<std::string> white_lines(std::string_view srt) {
  static Regex const white(R"re(<font color="white" size=".72c">(.*?)</font>)re");
  std::vector<std::string> lines;
  while (!srt.empty()) {
    auto const end = std::min(srt.find('\n'), srt.size());
    if (auto const match = white.first(srt.substr(0, end))) lines.emplace_back((*match)[1]);
    srt.remove_prefix(std::min(end + 1, srt.size()));
  }
  return lines;
}

namespace detail {

/// Seconds of `H:MM:SS.mmm`.
inline double seconds_of(std::string_view time) {
  static Regex const clock(R"(^\s*(\d+):(\d+):([\d.]+)\s*\z)");
  auto const match = clock.first(time);
  if (!match) fail<InputError>("\"", time, "\" is no time of a subtitle (H:MM:SS.mmm)");
  auto const number = [&](std::size_t group) {
    auto const digits = (*match)[group];
    double value = 0;
    auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
      fail<InputError>("\"", time, "\" is no time of a subtitle (H:MM:SS.mmm)");
    }
    return value;
  };
  return number(1) * 3600 + number(2) * 60 + number(3);
}

}  // namespace detail

/// When upstream takes the frames of a video to be, for the choice of subtitles: `count` of them
/// at equal steps, but one a second if the video is not longer than `count` seconds.
inline std::vector<double> subtitle_frame_times(double duration, std::int64_t count) {
  std::vector<double> times;
  bool const longer = duration > static_cast<double>(count);
  double const step = duration / static_cast<double>(count);
  std::int64_t const frames = longer ? count : static_cast<std::int64_t>(duration);
  for (std::int64_t i = 0; i < frames; ++i) {
    times.push_back(longer ? step * static_cast<double>(i) : static_cast<double>(i));
  }
  return times;
}

/// The subtitles of LongVideoBench that are on screen while one of the frames is. One of less than
/// a second counts as a second around its middle. An end that is no fraction means the video's.
/// \param subtitles objects with `timestamp` and `text`, or with `start`, `end` and `line`
/// \param shift where in the subtitles' time the video begins, in seconds
inline std::vector<std::string> subtitles_on_frames(nlohmann::ordered_json const& subtitles,
                                                    std::vector<double> const& frames, double shift,
                                                    double duration) {
  std::vector<std::string> lines;
  for (auto const& subtitle : subtitles) {
    bool const stamped = subtitle.contains("timestamp");
    double start, end;
    if (stamped) {
      auto const& stamp = subtitle.at("timestamp");
      start = stamp.at(0).get<double>();
      end = stamp.at(1).is_number_float() ? stamp.at(1).get<double>() : duration;
    } else {
      start = detail::seconds_of(subtitle.at("start").get<std::string>());
      end = detail::seconds_of(subtitle.at("end").get<std::string>());
    }
    start -= shift;
    end -= shift;
    if (end - start < 1) {
      double const middle = (start + end) / 2;
      start = middle - 0.5;
      end = middle + 0.5;
    }
    if (std::ranges::any_of(frames, [&](double time) { return start < time && time < end; })) {
      lines.push_back(subtitle.at(stamped ? "text" : "line").get<std::string>());
    }
  }
  return lines;
}

}  // namespace vcflash::eval
