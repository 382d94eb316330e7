#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include <vcflash/base/vocabulary.hpp>
#include <vcflash/text/turns.hpp>

namespace vcflash::text {

/// The human's turn that shows a video and asks the first question about it. Later turns are the
/// question alone.
/// \param form what stands between the time message and the question
/// \param time_message see time_message.hpp; empty: none
/// \param question kept as it is; a released model's code does not strip it either
inline std::string first_question(QuestionForm form, std::string_view time_message,
                                  std::string_view question) {
  auto const told = stripped(time_message);
  if (told.empty()) return fmt::format("{}\n{}", image_tag, question);
  return form == QuestionForm::released
             ? fmt::format("{}\n{} {}", image_tag, told, question)
             : fmt::format("{}{}\n{}", image_tag, time_message, question);
}

}  // namespace vcflash::text
