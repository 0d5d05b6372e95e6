# Plugins inside this tree: AesweepPlugin.cmake, as an author outside uses it, and what spares the
# tree's many plugins time. Built-ins go to lib/aesweep; aesweep_plugins builds them all.
set(AESWEEP_INCLUDE "${PROJECT_SOURCE_DIR}")
include(AesweepPlugin)

add_custom_target(aesweep_plugins)

# Eigen and the SDK are parsed once, for all plugins.
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/plugin_pch.cpp"
     CONTENT "// Carries the precompiled header of all plugins.\n")
add_library(aesweep_plugin_pch OBJECT "${PROJECT_BINARY_DIR}/plugin_pch.cpp")
target_link_libraries(aesweep_plugin_pch PRIVATE aesweep_sdk aesweep_flags)
target_compile_options(aesweep_plugin_pch PRIVATE ${AESWEEP_PLUGIN_FLAGS})
target_precompile_headers(aesweep_plugin_pch PRIVATE
  "${PROJECT_SOURCE_DIR}/core/sdk/plugin.hpp")
