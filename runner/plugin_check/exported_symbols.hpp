// The dynamic symbols that a library's file defines for others, read without running its code.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/plugin_host/trusted_file.hpp"

namespace aesweep {

// Names of all defined symbols that are global, weak or unique, and visible from outside; sorted.
// `file` has passed check_elf. A fault if its symbol table cannot be read.
[[nodiscard]] Result<std::vector<std::string>> exported_symbols(const TrustedFile& file);

}  // namespace aesweep
