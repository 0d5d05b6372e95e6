// The main of a test program that is its own reader of HDF5.
#include <gtest/gtest.h>

#include "runner/hdf5_reader/serve.hpp"

int main(int argc, char** argv) {
  if (aesweep::is_reader_call(argc, argv)) return aesweep::serve_hdf5_reads(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
