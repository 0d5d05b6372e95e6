# User options, compiler flags and output folders.

option(AESWEEP_BUILD_TESTS "Build the tests" ON)
option(AESWEEP_BUILD_BENCHMARKS "Build the benchmarks" ON)
option(AESWEEP_WARNINGS_AS_ERRORS "Stop on compiler warnings (on in the presets)" OFF)
set(AESWEEP_CPU_LEVEL "x86-64-v3" CACHE STRING
    "Value of -march; empty for the compiler's default. Results are equal within one level only")
set(AESWEEP_SANITIZE "" CACHE STRING
    "Value of -fsanitize, such as address,undefined; empty for none")
option(AESWEEP_FUZZ "Build the fuzzers of tests/fuzz; needs Clang" OFF)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(AESWEEP_PLUGIN_DIRECTORY "${PROJECT_BINARY_DIR}/lib/aesweep")

# Checks in our code do not depend on NDEBUG; Eigen's do, hence its release speed.
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
set(CMAKE_C_FLAGS_RELEASE "-O3 -DNDEBUG")

# Warnings and code generation for every target of this project. No fast-math: the order of
# floating-point operations is part of the results.
add_library(aesweep_flags INTERFACE)
target_include_directories(aesweep_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(aesweep_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # GCC 12 warns of std::string + std::string (bug 105651).
  $<$<BOOL:${AESWEEP_WARNINGS_AS_ERRORS}>:-Werror>
  -ffp-contract=off  # A compiler's choice to fuse would be part of the results.
  $<$<BOOL:${AESWEEP_CPU_LEVEL}>:-march=${AESWEEP_CPU_LEVEL}>)
if(AESWEEP_SANITIZE)
  target_compile_options(aesweep_flags INTERFACE
    -fsanitize=${AESWEEP_SANITIZE} -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(aesweep_flags INTERFACE -fsanitize=${AESWEEP_SANITIZE})
endif()
if(AESWEEP_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "AESWEEP_FUZZ needs Clang's libFuzzer; configure with --preset fuzz")
  endif()
  # The fuzzer's main is linked to its targets only; all code reports what it covers.
  set(fuzz_flags -fsanitize=fuzzer-no-link,address,undefined)
  target_compile_options(aesweep_flags INTERFACE
    ${fuzz_flags} -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(aesweep_flags INTERFACE ${fuzz_flags})
endif()

find_program(AESWEEP_CCACHE ccache)
if(AESWEEP_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${AESWEEP_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${AESWEEP_CCACHE}")
endif()
