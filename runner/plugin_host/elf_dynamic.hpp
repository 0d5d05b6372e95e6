// What a library's dynamic section asks of the dynamic linker, read from the file before the linker
// sees it. Plain function, any thread.
#pragma once

#include <elf.h>

#include <span>

#include "core/base/status.hpp"
#include "runner/plugin_host/trusted_file.hpp"

namespace aesweep {

// Refused are search paths (DT_RPATH, DT_RUNPATH) that depend on the working directory, which is to
// say entries that start neither with / nor with $ORIGIN, and text relocations (DT_TEXTREL), for
// which code is made writable. `segments` are the file's program headers, none of which ends beyond
// the file. The message does not name the file.
[[nodiscard]] Status check_dynamic(const TrustedFile& file, std::span<const Elf64_Phdr> segments);

}  // namespace aesweep
