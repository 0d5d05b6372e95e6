# Which state of the source tree a program was built from.
#
# The target aesweep_revision looks on every build, and writes a header only when the answer
# changed, so that an unchanged tree rebuilds nothing. Include "generated/revision.hpp" after
# linking aesweep_revision_header. As a script (cmake -P, see below) this file does the looking.
if(CMAKE_SCRIPT_MODE_FILE)
  # -DSOURCE=<tree> -DOUTPUT=<header>. A tree without .git (a release archive, even when it is
  # unpacked inside another repository) has no revision.
  cmake_minimum_required(VERSION 3.25)
  set(revision "unknown")
  if(EXISTS "${SOURCE}/.git")
    execute_process(
      COMMAND git -c "safe.directory=*" describe --always --dirty --abbrev=12 --exclude=*
      WORKING_DIRECTORY "${SOURCE}" OUTPUT_VARIABLE found RESULT_VARIABLE failed
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT failed AND found MATCHES "^[0-9a-f]+(-dirty)?$")
      set(revision "${found}")
    endif()
  endif()
  file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT
"// Written by cmake/Revision.cmake.
#pragma once
#define AESWEEP_REVISION \"${revision}\"
")
  return()
endif()

set(AESWEEP_REVISION_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")
add_custom_target(aesweep_revision
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR}
    -DOUTPUT=${PROJECT_BINARY_DIR}/generated/revision.hpp -P ${AESWEEP_REVISION_SCRIPT}
  BYPRODUCTS "${PROJECT_BINARY_DIR}/generated/revision.hpp"
  COMMENT "Looking up the revision"
  VERBATIM)
add_library(aesweep_revision_header INTERFACE)
target_include_directories(aesweep_revision_header INTERFACE "${PROJECT_BINARY_DIR}")
add_dependencies(aesweep_revision_header aesweep_revision)
