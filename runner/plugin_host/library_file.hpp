// One plugin library on its way into this process: the checks that need none of its code, then the
// link that runs its constructors. Internal to this folder: plugin_host.cpp puts the result into a
// catalogue, probe_child.cpp does the same in a process that may die of it. One thread at a time.
#pragma once

#include <string>

#include "core/abi/plugin.h"
#include "core/base/status.hpp"
#include "core/model/catalogue.hpp"
#include "runner/plugin_host/manifest.hpp"
#include "runner/plugin_host/trusted_file.hpp"

namespace aesweep {

// Opened once; all of the file's facts come from that descriptor.
struct CheckedLibrary {
  TrustedFile file;
  Manifest manifest;
  std::string sha256;  // Of the file's bytes.
};

// File, ELF headers, manifest and hash; runs no code of the library. Messages name the library.
[[nodiscard]] Result<CheckedLibrary> check_library(const std::string& path,
                                                   const ProgramPlace& place = {});

struct LinkedLibrary {
  aesweep_plugin_entry entry;
  PluginLibrary library;
};

// Maps the checked bytes, which runs the library's constructors, and checks and copies its entry.
// The descriptor stays open for the life of the process. Messages name the library.
[[nodiscard]] Result<LinkedLibrary> link_library(CheckedLibrary& library);

}  // namespace aesweep
