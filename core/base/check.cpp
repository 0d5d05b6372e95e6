#include "core/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace aesweep {

void check_failed(const char* file, int line, const std::string& message) {
  std::fprintf(stderr, "aesweep: bug at %s:%d: %s\n", file, line, message.c_str());
  std::abort();
}

}  // namespace aesweep
