# aesweep_add_plugin(NAME SOURCES file...)
#
# Builds lib/aesweep/NAME.so with one exported symbol, and NAME.plugin.yaml beside it.
set(AESWEEP_PLUGIN_CMAKE_DIRECTORY "${CMAKE_CURRENT_LIST_DIR}")

function(aesweep_add_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
  add_library(${name} MODULE ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES
    PREFIX "" LIBRARY_OUTPUT_DIRECTORY "${AESWEEP_PLUGIN_DIRECTORY}")
  target_link_libraries(${name} PRIVATE aesweep_sdk aesweep_flags)
endfunction()
