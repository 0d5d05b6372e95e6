# Proves that the plugin ABI is what layout.txt says it is: what the compiler makes of plugin.h (by
# layout.c) and the functions that the headers declare, compared as text. Fails if layout.txt is
# missing, and if the headers hold a struct or constant that layout.c does not list.
#
#   cmake -DPROGRAM=<abi_layout> -DSOURCE=<root of the tree> [-DUPDATE=ON] -P layout_test.cmake
cmake_minimum_required(VERSION 3.25)
set(expected "${SOURCE}/tests/abi/layout.txt")
execute_process(COMMAND "${PROGRAM}" OUTPUT_VARIABLE layout ERROR_VARIABLE fault RESULT_VARIABLE rc)
if(rc)
  message(FATAL_ERROR "${PROGRAM}: ${fault}bring tests/abi/layout.c up to date with core/abi")
endif()

# Functions take no room of their own: their declarations are compared, without comments, as text.
set(functions "")
set(known "${layout}")
foreach(header plugin.h typed.h)
  file(READ "${SOURCE}/core/abi/${header}" text)
  string(REGEX REPLACE "/\\*[^*]*\\*+([^/*][^*]*\\*+)*/" " " text "${text}")
  string(REPLACE ";" "@" text "${text}")  # A semicolon would end a list's element.
  string(REGEX MATCHALL "AESWEEP_[A-Z0-9_]+ = |#define AESWEEP_ABI_[A-Z]+" constants "${text}")
  foreach(constant IN LISTS constants)
    string(REGEX MATCH "AESWEEP_[A-Z0-9_]+" constant "${constant}")
    if(NOT known MATCHES "(^|\n)${constant} ")
      message(FATAL_ERROR "core/abi/${header}: ${constant} is not listed in tests/abi/layout.c")
    endif()
  endforeach()
  string(REGEX REPLACE "AESWEEP_TYPED\\(([a-z_]+)\\)" "\\1_*" text "${text}")
  string(REGEX REPLACE "[ \n]+" " " text "${text}")
  string(REGEX MATCHALL "typedef struct [a-z_*]+ {" structs "${text}")
  foreach(struct IN LISTS structs)
    string(REGEX REPLACE "typedef struct ([a-z_]+).*" "\\1" name "${struct}")
    if(NOT known MATCHES "\nstruct ${name}(f32|f64)? ")
      message(FATAL_ERROR "core/abi/${header}: struct ${name} is not listed in tests/abi/layout.c")
    endif()
  endforeach()
  string(REGEX MATCHALL "(const )?[a-z0-9_]+[ *]+\\(\\*[a-z0-9_]+\\)\\([^@]*\\)@"
    declared "${text}")
  string(REPLACE ";" "\n" declared "${declared}")
  string(REPLACE "@" "" declared "${declared}")
  string(APPEND functions "\nfunctions of ${header}\n${declared}\n")
endforeach()
string(APPEND layout "${functions}")

if(UPDATE)
  file(WRITE "${expected}" "${layout}")
  return()
endif()
set(next "Every plugin is compiled against this. If the change is meant: raise AESWEEP_ABI_MINOR "
  "in core/abi/plugin.h (see core/abi/README.md), then write layout.txt anew with\n"
  "  cmake -DPROGRAM=${PROGRAM} -DSOURCE=${SOURCE} -DUPDATE=ON -P ${CMAKE_CURRENT_LIST_FILE}")
string(JOIN "" next ${next})
if(NOT EXISTS "${expected}")
  message(FATAL_ERROR "${expected} is missing. ${next}")
endif()
file(READ "${expected}" recorded)
if(NOT recorded STREQUAL layout)
  get_filename_component(folder "${PROGRAM}" DIRECTORY)
  file(WRITE "${folder}/abi_layout_now.txt" "${layout}")
  execute_process(COMMAND diff -u "${expected}" "${folder}/abi_layout_now.txt"
    OUTPUT_VARIABLE difference)
  message(FATAL_ERROR "The plugin ABI differs from tests/abi/layout.txt:\n${difference}\n${next}")
endif()
