# aesweep_h5_compare: the library for tests; h5_compare: the same as a program in bin/tests.
aesweep_add_library(aesweep_h5_compare
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/h5_compare.cpp"
  PRIVATE hdf5::hdf5)
add_executable(h5_compare "${CMAKE_CURRENT_LIST_DIR}/h5_compare_main.cpp")
set_target_properties(h5_compare PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin/tests")
target_link_libraries(h5_compare PRIVATE aesweep_flags aesweep_h5_compare)
