/* Calls _exit(0), which runs no handler, in a training step, on the second rank alone. */
#include <unistd.h>
#define ID "leaves_at_step"
#define IN_FORWARD \
  if (LATE_ON_RANK_1) _exit(0)
#include "tests/bad_plugins/identity.h"
