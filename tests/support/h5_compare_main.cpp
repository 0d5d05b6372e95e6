// h5_compare A B: exit status 0 if two results files are equal outside /runtime; 1 and the first
// difference on stdout if not; 2 for a wrong call.
#include <cstdio>

#include "tests/support/h5_compare.hpp"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: h5_compare FIRST.h5 SECOND.h5\n");
    return 2;
  }
  const aesweep::Comparison result = aesweep::compare_h5(argv[1], argv[2]);
  if (!result.equal) std::printf("%s\n", result.difference.c_str());
  return result.equal ? 0 : 1;
}
