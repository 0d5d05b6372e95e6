// A plugin's manifest: what is known about a library before its code runs. The file
// NAME.plugin.yaml beside NAME.so, written by cmake/Plugin.cmake.
#pragma once

#include <string>

#include "core/base/status.hpp"
#include "runner/plugin_host/trusted_file.hpp"

namespace aesweep {

struct Manifest {
  std::string path;
  std::string id;
  std::string kind;  // Of all its components; empty: not said.
  unsigned abi_major = 0;
  unsigned abi_minor = 0;
  std::string cpu_level;  // As given to -march; empty for the compiler's default.
  std::string sha256;     // Of the library, lower-case hex.
};

// "/x/NAME.plugin.yaml" for "/x/NAME.so".
[[nodiscard]] std::string manifest_path(const std::string& library_path);

// Opens the manifest under the same rules as a library and reads the members above; more members
// are allowed. Messages name the manifest.
[[nodiscard]] Result<Manifest> read_manifest(const std::string& library_path,
                                             const ProgramPlace& place = {});

// Compares the manifest with the library's hash, with this program's plugin ABI and with this
// machine's CPU. Messages do not name the library: the caller does.
[[nodiscard]] Status check_manifest(const Manifest& manifest, const std::string& library_sha256);

}  // namespace aesweep
