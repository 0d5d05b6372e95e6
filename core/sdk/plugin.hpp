// Everything an author of plugins includes, and the macro that makes a library a plugin.
//
//   AESWEEP_EXPORT_PLUGIN("org.example.relu", "1.0", aesweep::sdk::elementwise<Relu>())
//
// stands once per library, at namespace scope, and lists one or more components. It defines the
// library's one exported symbol and the hidden variable that keeps the host's services.
#pragma once

#include "core/abi/plugin.h"
#include "core/sdk/chunks.hpp"
#include "core/sdk/component.hpp"
#include "core/sdk/elementwise.hpp"
#include "core/sdk/failure.hpp"
#include "core/sdk/host.hpp"
#include "core/sdk/parameters.hpp"
#include "core/sdk/plan.hpp"
#include "core/sdk/types.hpp"

extern "C" [[gnu::visibility("default")]] const aesweep_plugin_entry aesweep_plugin;

#define AESWEEP_EXPORT_PLUGIN(plugin_id, plugin_version, ...)                             \
  aesweep_host aesweep::sdk::library_host = {};                                           \
  namespace {                                                                             \
  constexpr const aesweep_component* kAesweepComponents[] = {__VA_ARGS__};                \
  }                                                                                       \
  const aesweep_plugin_entry aesweep_plugin = {AESWEEP_ABI_MAGIC,                         \
                                               sizeof(aesweep_plugin_entry),              \
                                               AESWEEP_ABI_MAJOR,                         \
                                               AESWEEP_ABI_MINOR,                         \
                                               AESWEEP_ABI_MINOR,                         \
                                               0,                                         \
                                               plugin_id,                                 \
                                               plugin_version,                            \
                                               kAesweepComponents,                        \
                                               sizeof kAesweepComponents / sizeof(void*), \
                                               0,                                         \
                                               &aesweep::sdk::detail::init_library,       \
                                               nullptr};                                  \
  static_assert(true, "a semicolon may follow")
