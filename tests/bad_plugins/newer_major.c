/* Built for the next major version of the ABI. */
#define ID "newer_major"
#define MAJOR (AESWEEP_ABI_MAJOR + 1)
#include "tests/bad_plugins/identity.h"
