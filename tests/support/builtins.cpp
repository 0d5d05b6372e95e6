#include "tests/support/builtins.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "core/base/check.hpp"

namespace aesweep::test {
namespace {

std::string builtin_path(const std::string& name) {
  return std::string(AESWEEP_PLUGIN_DIRECTORY) + "/" + name + ".so";
}

Catalogue load_builtins() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(AESWEEP_PLUGIN_DIRECTORY)) {
    if (file.path().extension() == ".so") names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  Catalogue catalogue;
  for (const std::string& name : names) {
    const aesweep_plugin_entry& entry = builtin_entry(name);
    const Status added =
        catalogue.add(entry, {entry.id, entry.version, builtin_path(name), std::string(64, '0')});
    AESWEEP_CHECK(added.ok(), added.message());
  }
  return catalogue;
}

}  // namespace

const aesweep_plugin_entry& plugin_entry(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) check_failed(__FILE__, __LINE__, dlerror());
  const void* symbol = dlsym(library, AESWEEP_PLUGIN_SYMBOL);
  AESWEEP_CHECK(symbol != nullptr, path + " exports no " + AESWEEP_PLUGIN_SYMBOL);
  return *static_cast<const aesweep_plugin_entry*>(symbol);
}

const aesweep_plugin_entry& builtin_entry(const std::string& name) {
  return plugin_entry(builtin_path(name));
}

const Catalogue& builtins() {
  static const Catalogue catalogue = load_builtins();
  return catalogue;
}

}  // namespace aesweep::test
