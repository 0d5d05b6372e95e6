// The cases about a library as a whole. Internal to this folder.
#pragma once

#include <string>
#include <vector>

#include "core/conformance/verdict.hpp"
#include "core/model/catalogue.hpp"
#include "runner/plugin_check/child.hpp"
#include "runner/plugin_host/library_file.hpp"

namespace aesweep {

// Rules about owners as they are for the built-in libraries if `path` is one, else the strict ones.
[[nodiscard]] ProgramPlace place_of_library(const std::string& path);

// A library linked into this process, which is a child's.
struct Opened {
  aesweep_plugin_entry entry{};
  Catalogue catalogue;
};
// With init called, as the program does. Messages do not name the library.
[[nodiscard]] Result<Opened> open_library(const std::string& path);

// --- Without any code of the library ---
[[nodiscard]] conformance::Verdict check_one_symbol(const CheckedLibrary& library);

// --- In a child ---
// Init with a longer host struct.
[[nodiscard]] conformance::Verdict check_newer_host(const Opened& library);
// Init again, with a host of the oldest supported size, with one that offers nothing, with one of
// another major version; unknown extensions.
[[nodiscard]] conformance::Verdict check_older_host(const Opened& library, ChildPlace& place);
// One component under every watch there is.
[[nodiscard]] conformance::Verdict check_manners(const CatalogueEntry& entry, ChildPlace& place);

}  // namespace aesweep
