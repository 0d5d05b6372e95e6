// Loading plugin libraries: the only place of this program that calls dlopen.
//
// A library is code that runs as the user: nothing here is a sandbox. The checks keep out libraries
// that someone else could have put or changed there, that were built for another machine or another
// version, or that are damaged; docs/plugins.md lists them. Libraries are never unloaded and their
// files stay open for the life of the process. All functions: one thread at a time, before any
// component is used. On failure libraries loaded before the refused one stay in the catalogue.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "core/model/catalogue.hpp"
#include "runner/plugin_host/probe.hpp"

namespace aesweep {

// Adds the libraries' components in the order given. Paths are absolute. The first refusal ends it:
// one line that names the file, what was found, what was expected and the next step.
[[nodiscard]] Status load_plugins(const std::vector<std::string>& absolute_paths,
                                  Catalogue& catalogue);

// The same, but each library is first tried out by the probe, so that one that crashes, hangs or
// ends the program is a message, too. The bytes that were tried out are the bytes that are loaded.
// Sets PluginLibrary::impure.
[[nodiscard]] Status load_probed_plugins(const std::vector<std::string>& absolute_paths,
                                         PluginProbe& probe, Catalogue& catalogue);

// Adds every *.so of a folder, by name.
[[nodiscard]] Status load_plugin_directory(const std::string& directory, Catalogue& catalogue);

// ../lib/aesweep, seen from the folder of the running program: where the build and the installation
// put the built-in components. An installed prefix can be moved as a whole.
[[nodiscard]] Result<std::string> builtin_plugin_directory();

// Adds every library of builtin_plugin_directory.
[[nodiscard]] Status load_builtins(Catalogue& catalogue);

}  // namespace aesweep
