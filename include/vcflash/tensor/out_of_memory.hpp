#pragma once

#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string_view>

namespace vcflash {

/// Whether an exception says that there is no more memory.
inline bool is_out_of_memory(std::exception const& error) {
  if (dynamic_cast<std::bad_alloc const*>(&error) != nullptr) return true;
  if (dynamic_cast<c10::OutOfMemoryError const*>(&error) != nullptr) return true;
  if (dynamic_cast<c10::Error const*>(&error) == nullptr) return false;
  std::string_view const text = error.what();
  return text.find("DefaultCPUAllocator") != text.npos ||
         text.find("not enough memory") != text.npos;
}

}  // namespace vcflash
