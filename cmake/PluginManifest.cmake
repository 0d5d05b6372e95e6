# Run after a plugin is linked: writes FILE.plugin.yaml beside LIBRARY, FILE.so. Hosts read it
# before they load the library, since loading already runs code.
#
#   cmake -DLIBRARY=FILE.so -DCPU_LEVEL=... [-DID=... -DABI_HEADER=... -DKIND=... -DCOMPILER=...
#         -DFLAGS=... -DSOURCE_DIRECTORY=...] -P PluginManifest.cmake
#
# ID is the library's own name, by default FILE. ABI_HEADER is the plugin.h that the library was
# compiled with, by default the one that came with this file; SOURCE_DIRECTORY is the tree whose
# revision is recorded.
get_filename_component(LIBRARY "${LIBRARY}" ABSOLUTE)
get_filename_component(directory "${LIBRARY}" DIRECTORY)
get_filename_component(name "${LIBRARY}" NAME_WE)
if(NOT ID)
  set(ID "${name}")
endif()
if(NOT ABI_HEADER)
  set(ABI_HEADER "${CMAKE_CURRENT_LIST_DIR}/../core/abi/plugin.h")  # In the source tree.
  if(NOT EXISTS "${ABI_HEADER}")
    set(ABI_HEADER "${CMAKE_CURRENT_LIST_DIR}/../../../include/aesweep/core/abi/plugin.h")
  endif()
endif()

file(SHA256 "${LIBRARY}" sha256)
foreach(part MAJOR MINOR)
  file(STRINGS "${ABI_HEADER}" line REGEX "^#define AESWEEP_ABI_${part} [0-9]+")
  string(REGEX REPLACE "^#define AESWEEP_ABI_${part} ([0-9]+).*" "\\1" abi_${part} "${line}")
endforeach()

# A tree without .git, such as a release archive, has no revision.
set(revision "unknown")
if(SOURCE_DIRECTORY AND EXISTS "${SOURCE_DIRECTORY}/.git")
  execute_process(
    COMMAND git -c "safe.directory=*" -C "${SOURCE_DIRECTORY}"
      describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(revision "${found}")
  endif()
endif()

set(kind "")
if(KIND)
  set(kind "kind: \"${KIND}\"\n")
endif()
set(manifest "${directory}/${name}.plugin.yaml")
file(WRITE "${manifest}"
"id: \"${ID}\"
${kind}abi_major: ${abi_MAJOR}
abi_minor: ${abi_MINOR}
cpu_level: \"${CPU_LEVEL}\"
sha256: \"${sha256}\"
compiler: \"${COMPILER}\"
flags: \"${FLAGS}\"
revision: \"${revision}\"
")

# Hosts refuse a plugin that others can write, as an umask like 002 has it.
execute_process(COMMAND chmod go-w "${manifest}" "${LIBRARY}" COMMAND_ERROR_IS_FATAL ANY)
