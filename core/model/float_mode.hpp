// The floating-point mode of this thread: rounding to nearest, denormal numbers kept, no traps.
// Every result depends on it, and a component that changes it would change the results of all
// others. To be asked after each call of a component: some 6 ns. Any thread, for itself.
#pragma once

#include <xmmintrin.h>

#include <cstdint>
#include <string>

namespace aesweep {

// Control bits of the vector unit (MXCSR without its sticky exception flags) and of the x87 unit,
// as every process starts with them.
inline constexpr std::uint32_t kMxcsr = 0x1f80;
inline constexpr std::uint32_t kMxcsrFlags = 0x3f;
inline constexpr std::uint16_t kX87Control = 0x037f;

[[nodiscard]] inline std::uint16_t x87_control() {
  std::uint16_t word = 0;
  __asm__ volatile("fnstcw %0" : "=m"(word));
  return word;
}

[[nodiscard]] inline bool float_mode_intact() {
  return (::_mm_getcsr() & ~kMxcsrFlags) == kMxcsr && x87_control() == kX87Control;
}

// Sets the mode right if it is not. Returns what was wrong, "MXCSR is 0x9fc0, not 0x1f80, flush to
// zero" for example, or nothing.
[[nodiscard]] std::string restore_float_mode();

}  // namespace aesweep
