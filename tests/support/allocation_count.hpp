// Counts allocations of the calling process, so that a test can show that a loop makes none.
#pragma once

#include <cstdint>

namespace aesweep {

struct AllocationCount {
  std::uint64_t by_new = 0;     // Calls of operator new: our code and the C++ library.
  std::uint64_t bytes_by_new = 0;
  std::uint64_t by_malloc = 0;  // Calls of malloc and its kin, by anyone, those of new included.
};

[[nodiscard]] AllocationCount allocation_count();

}  // namespace aesweep
