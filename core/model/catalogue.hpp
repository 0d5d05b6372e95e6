// Catalogue: the components that loaded plugin libraries offer, found by kind and name.
//
// Filled once at start (runner/plugin_host, or a test), then read only. It copies the host's view
// of each descriptor; strings and tables stay in the library, which is never unloaded.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/abi/plugin.h"
#include "core/base/status.hpp"

namespace aesweep {

// The library a component came from.
struct PluginLibrary {
  std::string id;        // As the library calls itself.
  std::string version;   // Of the plugin.
  std::string path;      // Absolute, as loaded.
  std::string sha256;    // Of the file's bytes, lower-case hex.
  bool builtin = false;  // Came with the program.
  std::string impure{};  // Why its results are not reproducible; empty: no sign of that.
};

struct CatalogueEntry {
  aesweep_component component;
  std::shared_ptr<const PluginLibrary> library;
  std::shared_ptr<const PluginLibrary> replaces{};  // The built-in whose place this one takes.
};

// "activation", "layer", ...
[[nodiscard]] std::string_view kind_name(aesweep_kind kind);

// What the host offers to plugins: given to their init.
[[nodiscard]] const aesweep_host& plugin_host_services();

class Catalogue {
 public:
  // Adds every component of `entry`, whose header must already be checked. Calls entry.init(host).
  // A component whose kind and name are already present is refused, except that one of a library
  // from outside takes the place of a built-in: who names a library wants what is in it. Two
  // libraries from outside cannot have the same id.
  Status add(const aesweep_plugin_entry& entry, const PluginLibrary& library);

  // Null if there is none. The pointer lives as long as the catalogue is not added to.
  [[nodiscard]] const CatalogueEntry* find(aesweep_kind kind, std::string_view name) const;

  // Sorted by kind, then name.
  [[nodiscard]] const std::vector<CatalogueEntry>& entries() const { return entries_; }

  // Every library added, in order.
  [[nodiscard]] const std::vector<std::shared_ptr<const PluginLibrary>>& libraries() const {
    return libraries_;
  }

 private:
  [[nodiscard]] CatalogueEntry* find_entry(aesweep_kind kind, std::string_view name);

  std::vector<CatalogueEntry> entries_;
  std::vector<std::shared_ptr<const PluginLibrary>> libraries_;
};

}  // namespace aesweep
