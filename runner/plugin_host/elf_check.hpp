// Tells from a file's headers whether it is a shared library that this program can load, before the
// dynamic linker (which runs the library's constructors) sees it.
#pragma once

#include "core/base/status.hpp"
#include "runner/plugin_host/trusted_file.hpp"

namespace aesweep {

// 64-bit little-endian ELF for x86-64, a shared object, complete (no segment or table ends beyond
// the file), without an executable stack, asking nothing that check_dynamic refuses. The message
// says what was found instead; the caller adds the file's name.
[[nodiscard]] Status check_elf(const TrustedFile& file);

}  // namespace aesweep
