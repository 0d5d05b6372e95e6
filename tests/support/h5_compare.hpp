// h5_compare: whether two HDF5 files say the same, and where they first differ. For tests.
//
// Written on the raw HDF5 API, so that it shares nothing with the code it checks. It compares
// names, kinds, types, shapes, raw bytes and attributes, in order of names; NaN equals NaN of the
// same bits. References, which are addresses, are compared by the name they lead to. How bytes are
// chunked, packed or placed in the file does not count. One thread at a time.
#pragma once

#include <string>
#include <vector>

namespace aesweep {

struct Comparison {
  bool equal = false;
  std::string difference;  // The first one, or why a file cannot be read; empty if equal.
};

// Objects whose absolute path is in `without` are left out, with all below them; the default is
// what equal runs may differ in.
[[nodiscard]] Comparison compare_h5(const std::string& left, const std::string& right,
                                    const std::vector<std::string>& without = {"/runtime"});

}  // namespace aesweep
