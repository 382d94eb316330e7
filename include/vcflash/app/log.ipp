#pragma once

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <vcflash/app/log.hpp>
#include <vcflash/app/progress.hpp>

namespace vcflash::app {

namespace detail {

/// Writes log messages above the progress bar.
class StatusLineSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StatusLineSink(StatusLine& line) : line_(line) {}

 protected:
  void sink_it_(spdlog::details::log_msg const& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    std::string_view line(text.data(), text.size());
    if (line.ends_with('\n')) line.remove_suffix(1);
    line_.print(line);
  }
  void flush_() override {}

 private:
  StatusLine& line_;
};

}  // namespace detail

VCFLASH_INLINE void warn(std::string const& sentence) { spdlog::warn("{}", sentence); }

VCFLASH_INLINE void inform(std::string const& sentence) { spdlog::info("{}", sentence); }

VCFLASH_INLINE void set_up_log(std::string_view program, StatusLine& line) {
  auto sink = std::make_shared<detail::StatusLineSink>(line);
  auto logger = std::make_shared<spdlog::logger>(std::string(program), std::move(sink));
  logger->set_pattern("%n: %l: %v");
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace vcflash::app
