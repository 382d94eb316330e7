#pragma once

#include <string>
#include <string_view>

#include <vcflash/app/progress.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::app {

/// Logs a sentence about something that goes on all the same.
void warn(std::string const& sentence);

/// Logs a sentence that is good to know.
void inform(std::string const& sentence);

/// Has the log written as `program: warning: what happened`, above what `line` shows.
void set_up_log(std::string_view program, StatusLine& line = StatusLine::of_stderr());

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/log.ipp>
#endif
