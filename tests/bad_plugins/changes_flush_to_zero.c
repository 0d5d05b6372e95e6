/* Leaves the processor taking denormal numbers for zero, as -ffast-math does. */
#define ID "changes_flush_to_zero"
#define IN_FORWARD __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040u)
#include "tests/bad_plugins/identity.h"
