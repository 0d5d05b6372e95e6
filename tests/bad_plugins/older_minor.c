/* Built for the minor version before: while the major is 0 each may differ from the next. */
#define ID "older_minor"
#define MINOR (AESWEEP_ABI_MINOR - 1)
#include "tests/bad_plugins/identity.h"
