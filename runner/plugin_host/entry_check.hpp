// Checks the object that a plugin library exports, and makes the host's own copy of it.
#pragma once

#include <cstdint>

#include "core/abi/plugin.h"
#include "core/base/status.hpp"

namespace aesweep {

// Whether a plugin of ABI version major.minor, which asks for a host of at least min_host_minor,
// can run in this host.
[[nodiscard]] Status check_abi_version(unsigned major, unsigned minor, unsigned min_host_minor);

// The entry at `symbol`, an object of `symbol_bytes` bytes. The first 16 bytes (magic, sizes,
// versions) are checked before anything else is looked at; then min(struct_size, own size) bytes
// are copied into a zeroed struct, and members that must not be null are. Strings and tables stay
// where they are. Messages do not name the file: the caller does.
[[nodiscard]] Result<aesweep_plugin_entry> check_entry(const void* symbol,
                                                       std::uint64_t symbol_bytes);

}  // namespace aesweep
