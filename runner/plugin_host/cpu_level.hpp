// CPU levels of x86-64 (the psABI's micro-architecture levels): what a library was compiled for,
// and what this machine can execute. Plain values, any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.hpp"

namespace aesweep {

// "x86-64" is 1, "x86-64-v2" 2, "x86-64-v3" 3, "x86-64-v4" 4; anything else 0. The empty text is
// the compiler's default, which is 1.
[[nodiscard]] int cpu_level_number(std::string_view level);

// The highest level that this machine's CPU offers, at least 1.
[[nodiscard]] int node_cpu_level();

// "x86-64-v3" for 3, and so on.
[[nodiscard]] std::string cpu_level_name(int number);

// The value of AESWEEP_CPU_LEVEL that this program was built with.
[[nodiscard]] std::string_view built_cpu_level();

// Whether code that was compiled for `needed` runs on a machine of level `found`. A value of -march
// that is no level, such as native, says nothing about other machines: it is accepted only if this
// program, which does run, was built with the same. The message does not name what was compiled.
[[nodiscard]] Status check_cpu_level(std::string_view needed, int found);

}  // namespace aesweep
