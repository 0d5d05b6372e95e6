// FuzzFile: the bytes of one fuzz input as a file that exists in memory alone.
//
// Readers take paths; this one leads to an anonymous file (memfd), so that nothing is left behind
// when a target crashes, and no disk is touched.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <span>
#include <string>

#include "core/base/check.hpp"

namespace aesweep {

class FuzzFile {
 public:
  explicit FuzzFile(std::span<const std::byte> bytes)
      : descriptor_(::memfd_create("aesweep-fuzz", MFD_CLOEXEC)) {
    AESWEEP_CHECK(descriptor_ >= 0, "cannot make a file in memory");
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
      AESWEEP_CHECK(count > 0, "cannot write to a file in memory");
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
  FuzzFile(const FuzzFile&) = delete;
  FuzzFile& operator=(const FuzzFile&) = delete;
  ~FuzzFile() { static_cast<void>(::close(descriptor_)); }

  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace aesweep
