#pragma once

#include <string_view>

#include <simdjson.h>

/// What messages say of JSON.
namespace vcflash::data::detail {

namespace json = simdjson::ondemand;

/// Syntax errors end the file (or the line); everything else is the row's own problem.
inline bool is_row_problem(simdjson::error_code error) {
  return error == simdjson::STRING_ERROR || error == simdjson::NUMBER_ERROR ||
         error == simdjson::INCORRECT_TYPE;
}

/// Why rows cannot be read.
inline std::string_view reason(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return "it is not UTF-8";
    case simdjson::EMPTY:
      return "it is empty";
    case simdjson::DEPTH_ERROR:
      return "it is nested too deeply";
    case simdjson::CAPACITY:
      return "a row is larger than 4 GB";
    default:
      return "it is not valid JSON";
  }
}

inline std::string_view name_of(json::json_type type) {
  switch (type) {
    case json::json_type::array:
      return "a list";
    case json::json_type::object:
      return "an object";
    case json::json_type::number:
      return "a number";
    case json::json_type::string:
      return "a string";
    case json::json_type::boolean:
      return "true or false";
    default:
      return "null";
  }
}

}  // namespace vcflash::data::detail
