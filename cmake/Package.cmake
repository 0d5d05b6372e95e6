# What authors of plugins outside this tree use: headers, CMake package, templates.
#
# The build folder is laid out like an installed prefix, with links into the source tree, so that
# program and package look in the same relative places in both, and one aesweepConfig.cmake does.
include(CMakePackageConfigHelpers)

set(package "${PROJECT_BINARY_DIR}/lib/cmake/aesweep")
set(package_files AesweepPlugin.cmake PluginManifest.cmake plugin.map)
configure_file("${PROJECT_SOURCE_DIR}/cmake/aesweepConfig.cmake.in"
  "${package}/aesweepConfig.cmake" @ONLY)
# While the version is 0, a plugin fits one minor version alone.
write_basic_package_version_file("${package}/aesweepConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)

function(aesweep_link_into_build source place)
  get_filename_component(folder "${PROJECT_BINARY_DIR}/${place}" DIRECTORY)
  file(MAKE_DIRECTORY "${folder}")
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${source}" "${PROJECT_BINARY_DIR}/${place}" SYMBOLIC)
endfunction()
foreach(file IN LISTS package_files)
  aesweep_link_into_build(cmake/${file} lib/cmake/aesweep/${file})
  install(FILES "${PROJECT_SOURCE_DIR}/cmake/${file}" DESTINATION lib/cmake/aesweep)
endforeach()
aesweep_link_into_build(core/abi include/aesweep/core/abi)
aesweep_link_into_build(core/sdk include/aesweep/core/sdk)
aesweep_link_into_build(templates share/aesweep/templates)

# Destinations are fixed: everything finds everything else by relative paths.
install(FILES "${package}/aesweepConfig.cmake" "${package}/aesweepConfigVersion.cmake"
  DESTINATION lib/cmake/aesweep)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/core/abi" "${PROJECT_SOURCE_DIR}/core/sdk"
  DESTINATION include/aesweep/core FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs/" DESTINATION share/doc/aesweep
  FILES_MATCHING PATTERN "*.md")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/templates" DESTINATION share/aesweep
  FILES_MATCHING PATTERN "*.in")
