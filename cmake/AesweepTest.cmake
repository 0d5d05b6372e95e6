# aesweep_add_test(NAME SOURCES file... LINK target... [RANKS n...] [LABELS label...])
#
# One GoogleTest program, bin/tests/NAME. With RANKS it is registered once per rank count, as
# NAME.<n>_ranks under mpirun; else once, as NAME. Every test has a time limit.
include(GoogleTest)

# One place for what mpirun needs in tests: more ranks than cores, root, no binding. Open MPI reads
# these variables; MPICH ignores them.
set(AESWEEP_MPI_ENVIRONMENT
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
  OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_base_warn_component_unused=0
  OMPI_MCA_plm_rsh_agent=false OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1)

function(aesweep_add_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINK;RANKS;LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin/tests")
  target_link_libraries(${name} PRIVATE aesweep_flags GTest::gtest ${arg_LINK})
  # What is tested is optimized as ever; the tests themselves need to be built quickly.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_compile_definitions(${name} PRIVATE
    AESWEEP_PLUGIN_DIRECTORY="${AESWEEP_PLUGIN_DIRECTORY}"
    AESWEEP_SOURCE_DIRECTORY="${PROJECT_SOURCE_DIR}"
    AESWEEP_BINARY_DIRECTORY="${PROJECT_BINARY_DIR}")
  set(names ${name})
  if(arg_RANKS)
    set(names)
    foreach(ranks IN LISTS arg_RANKS)
      add_test(NAME ${name}.${ranks}_ranks
        COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} $<TARGET_FILE:${name}>)
      list(APPEND names ${name}.${ranks}_ranks)
    endforeach()
  else()
    add_test(NAME ${name} COMMAND ${name})
  endif()
  set_tests_properties(${names} PROPERTIES
    TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}" ENVIRONMENT "${AESWEEP_MPI_ENVIRONMENT}")
endfunction()
