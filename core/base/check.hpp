// AESWEEP_CHECK: stops the program on a bug in our own code, in release builds too.
#pragma once

#include <string>

namespace aesweep {

// Prints file, line and message to stderr and aborts.
[[noreturn]] void check_failed(const char* file, int line, const std::string& message);

}  // namespace aesweep

#define AESWEEP_CHECK(condition, message)                                  \
  do {                                                                     \
    if (!(condition)) ::aesweep::check_failed(__FILE__, __LINE__, message); \
  } while (false)
