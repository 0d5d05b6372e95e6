# aesweep_add_plugin(NAME SOURCES file... [DIRECTORY dir])
#
# Builds NAME.so with one exported symbol, and NAME.plugin.yaml beside it, in lib/aesweep or in
# DIRECTORY. NAME must be the id that the sources give to AESWEEP_EXPORT_PLUGIN. The target is
# plugin_NAME; aesweep_plugins builds all of lib/aesweep.
set(AESWEEP_PLUGIN_CMAKE_DIRECTORY "${CMAKE_CURRENT_LIST_DIR}")

# Rounding is part of the results: no contraction, so that vector loops and their scalar tails agree
# to the last bit. errno and floating-point traps, which nobody reads, would keep loops with sqrt or
# a choice from being vectorized; leaving them out changes no value.
set(AESWEEP_PLUGIN_FLAGS -ffp-contract=off -fno-math-errno -fno-trapping-math)

add_custom_target(aesweep_plugins)

# Eigen and the SDK are parsed once, for all plugins.
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/plugin_pch.cpp"
     CONTENT "// Carries the precompiled header of all plugins.\n")
add_library(aesweep_plugin_pch OBJECT "${PROJECT_BINARY_DIR}/plugin_pch.cpp")
target_link_libraries(aesweep_plugin_pch PRIVATE aesweep_sdk aesweep_flags)
target_compile_options(aesweep_plugin_pch PRIVATE ${AESWEEP_PLUGIN_FLAGS})
target_precompile_headers(aesweep_plugin_pch PRIVATE
  "${PROJECT_SOURCE_DIR}/core/sdk/plugin.hpp")

function(aesweep_add_plugin name)
  cmake_parse_arguments(arg "" "DIRECTORY" "SOURCES" ${ARGN})
  set(target plugin_${name})
  add_library(${target} MODULE ${arg_SOURCES})
  if(NOT arg_DIRECTORY)
    set(arg_DIRECTORY "${AESWEEP_PLUGIN_DIRECTORY}")
    add_dependencies(aesweep_plugins ${target})
  endif()
  # A DEFINE_SYMBOL per target would make the shared precompiled header unusable.
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME "${name}" PREFIX "" SUFFIX ".so" DEFINE_SYMBOL ""
    LIBRARY_OUTPUT_DIRECTORY "${arg_DIRECTORY}"
    LINK_DEPENDS "${AESWEEP_PLUGIN_CMAKE_DIRECTORY}/plugin.map")
  target_link_libraries(${target} PRIVATE aesweep_sdk aesweep_flags)
  target_compile_options(${target} PRIVATE ${AESWEEP_PLUGIN_FLAGS})
  target_precompile_headers(${target} REUSE_FROM aesweep_plugin_pch)
  target_link_options(${target} PRIVATE
    "-Wl,--version-script=${AESWEEP_PLUGIN_CMAKE_DIRECTORY}/plugin.map" -Wl,-z,defs)

  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  string(JOIN " " flags ${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}} ${AESWEEP_PLUGIN_FLAGS})
  if(AESWEEP_SANITIZE)
    string(APPEND flags " -fsanitize=${AESWEEP_SANITIZE}")
  endif()
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND "${CMAKE_COMMAND}"
      "-DLIBRARY=$<TARGET_FILE:${target}>"
      "-DCPU_LEVEL=${AESWEEP_CPU_LEVEL}"
      "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
      "-DFLAGS=${flags}"
      "-DSOURCE_DIRECTORY=${PROJECT_SOURCE_DIR}"
      -P "${AESWEEP_PLUGIN_CMAKE_DIRECTORY}/PluginManifest.cmake"
    BYPRODUCTS "${arg_DIRECTORY}/${name}.plugin.yaml"
    VERBATIM)
endfunction()
