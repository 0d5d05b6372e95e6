# aesweep_add_plugin(NAME [KIND kind] SOURCES file... [DIRECTORY dir])
#
# Builds libNAME.so with one exported symbol, and its manifest libNAME.plugin.yaml beside it, in
# DIRECTORY or the current build folder; inside aesweep's tree without the `lib`. NAME must be the
# id that the sources give to AESWEEP_EXPORT_PLUGIN. KIND is activation, layer, regularizer,
# quantizer, loss or optimizer, and is written to the manifest; leave it out for a library with
# components of several kinds. The target is plugin_NAME. Where the package names the program
# (find_package(aesweep) does), a test plugin_NAME_check runs `aesweep plugin check` on the library;
# it appears after enable_testing().
#
# This file is used by aesweep's own tree and, installed, by everybody else's. It reads
#   AESWEEP_CPU_LEVEL         value of -march, that of the program; empty for the compiler's default
#   AESWEEP_INCLUDE           folder that holds core/abi
#   AESWEEP_PROGRAM           the program for the test; empty for no test
# and links the target aesweep_sdk. Inside the tree also: AESWEEP_PLUGIN_DIRECTORY, where plugins go
# without DIRECTORY, and the targets that Plugin.cmake makes.
set(AESWEEP_PLUGIN_CMAKE_DIRECTORY "${CMAKE_CURRENT_LIST_DIR}")

# Rounding is part of the results: no contraction, so that vector loops and their scalar tails agree
# to the last bit. errno and floating-point traps, which nobody reads, would keep loops with sqrt or
# a choice from being vectorized; leaving them out changes no value.
set(AESWEEP_PLUGIN_FLAGS -ffp-contract=off -fno-math-errno -fno-trapping-math)

# The SDK's loops are only fast when they are optimized.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type; Release where none was given" FORCE)
endif()

# Flags that reorder sums or, once linked, change the floating-point mode of the whole process.
function(aesweep_refuse_inexact_flags flags)
  if(" ${flags} " MATCHES
     " (-Ofast|-ffast-math|-funsafe-math-optimizations|-fassociative-math|-freciprocal-math) ")
    message(FATAL_ERROR "aesweep_add_plugin: ${CMAKE_MATCH_1} is in the compiler's flags (${flags})"
      " and would make results depend on address and machine; remove it")
  endif()
endfunction()

function(aesweep_add_plugin name)
  cmake_parse_arguments(arg "" "DIRECTORY;KIND" "SOURCES" ${ARGN})
  if(NOT name MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "aesweep_add_plugin: the name ${name} is not [a-z][a-z0-9_]*")
  endif()
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "aesweep_add_plugin(${name}): expected [KIND kind] SOURCES file..."
      " [DIRECTORY dir], found ${ARGN}")
  endif()
  set(kinds activation layer regularizer quantizer loss optimizer)
  if(arg_KIND AND NOT arg_KIND IN_LIST kinds)
    message(FATAL_ERROR "aesweep_add_plugin(${name}): KIND ${arg_KIND} is not one of ${kinds}")
  endif()
  set(file "${name}")
  if(NOT AESWEEP_PLUGIN_DIRECTORY)
    set(file "lib${name}")
  endif()
  if(NOT arg_DIRECTORY AND AESWEEP_PLUGIN_DIRECTORY)
    set(arg_DIRECTORY "${AESWEEP_PLUGIN_DIRECTORY}")
    add_dependencies(aesweep_plugins plugin_${name})
  elseif(NOT arg_DIRECTORY)
    set(arg_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
    # Hosts refuse a plugin whose folder others can write to, as an umask like 002 has it.
    execute_process(COMMAND chmod go-w "${CMAKE_BINARY_DIR}" "${CMAKE_CURRENT_BINARY_DIR}"
      COMMAND_ERROR_IS_FATAL ANY)
  endif()

  set(target plugin_${name})
  set(map "${AESWEEP_PLUGIN_CMAKE_DIRECTORY}/plugin.map")
  add_library(${target} MODULE ${arg_SOURCES})
  # A DEFINE_SYMBOL per target would make a shared precompiled header unusable.
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME "${file}" PREFIX "" SUFFIX ".so" DEFINE_SYMBOL "" DEBUG_POSTFIX ""
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY "${arg_DIRECTORY}"
    LINK_DEPENDS "${map}")
  # What the project gives to everything, as it stands: generator expressions are known too late.
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  get_target_property(compile_options ${target} COMPILE_OPTIONS)
  get_target_property(link_options ${target} LINK_OPTIONS)
  set(options ${compile_options} ${link_options})
  list(FILTER options EXCLUDE REGEX "NOTFOUND$|[$]<")
  string(JOIN " " flags ${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}} ${options}
    ${CMAKE_MODULE_LINKER_FLAGS})
  aesweep_refuse_inexact_flags("${flags}")
  target_link_libraries(${target} PRIVATE aesweep_sdk)
  if(TARGET aesweep_flags)
    target_link_libraries(${target} PRIVATE aesweep_flags)
    target_precompile_headers(${target} REUSE_FROM aesweep_plugin_pch)
  else()
    # The last word: options that came in by a way that is not looked at, such as a generator
    # expression or a linked target, end here.
    set(own -fno-fast-math)
    if(AESWEEP_CPU_LEVEL)
      list(APPEND own "-march=${AESWEEP_CPU_LEVEL}")
    endif()
    target_compile_options(${target} PRIVATE -Wall -Wextra ${own})
    target_link_options(${target} PRIVATE -fno-fast-math)
    string(JOIN " " flags "${flags}" ${own})
  endif()
  target_compile_options(${target} PRIVATE ${AESWEEP_PLUGIN_FLAGS})
  target_link_options(${target} PRIVATE "-Wl,--version-script=${map}" -Wl,-z,defs)

  string(JOIN " " flags "${flags}" ${AESWEEP_PLUGIN_FLAGS})
  string(STRIP "${flags}" flags)
  if(AESWEEP_SANITIZE)
    string(APPEND flags " -fsanitize=${AESWEEP_SANITIZE}")
  endif()
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND "${CMAKE_COMMAND}"
      "-DLIBRARY=$<TARGET_FILE:${target}>"
      "-DID=${name}"
      "-DABI_HEADER=${AESWEEP_INCLUDE}/core/abi/plugin.h"
      "-DKIND=${arg_KIND}"
      "-DCPU_LEVEL=${AESWEEP_CPU_LEVEL}"
      "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
      "-DFLAGS=${flags}"
      "-DSOURCE_DIRECTORY=${PROJECT_SOURCE_DIR}"
      -P "${AESWEEP_PLUGIN_CMAKE_DIRECTORY}/PluginManifest.cmake"
    BYPRODUCTS "${arg_DIRECTORY}/${file}.plugin.yaml"
    VERBATIM)
  if(AESWEEP_PROGRAM)
    add_test(NAME ${target}_check
      COMMAND "${AESWEEP_PROGRAM}" plugin check "$<TARGET_FILE:${target}>")
    set_tests_properties(${target}_check PROPERTIES TIMEOUT 300)
  endif()
endfunction()
