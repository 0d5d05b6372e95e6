/* Says that it failed and not why. */
#define ID "error_without_text"
#define FORWARD_STATUS (LATE_ON_RANK_1 ? AESWEEP_NUMERIC : AESWEEP_OK)
#include "tests/bad_plugins/identity.h"
