/* Leaves the processor rounding upwards. */
#define ID "changes_rounding"
#define IN_FORWARD __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x4000u)
#include "tests/bad_plugins/identity.h"
