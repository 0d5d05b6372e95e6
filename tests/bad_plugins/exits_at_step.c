/* Calls exit(0) in a training step, on the second rank alone. */
#include <stdlib.h>
#define ID "exits_at_step"
#define IN_FORWARD \
  if (LATE_ON_RANK_1) exit(0)
#include "tests/bad_plugins/identity.h"
