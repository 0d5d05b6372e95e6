# aesweep_add_library(NAME SOURCES file... [PUBLIC target...] [PRIVATE target...])
#
# One static library for one folder. PUBLIC and PRIVATE are what it links; the link graph is the
# layering, so a folder can only include what it names here.
function(aesweep_add_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC aesweep_flags ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
endfunction()
