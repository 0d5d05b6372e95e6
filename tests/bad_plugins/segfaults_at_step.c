/* Writes to address 0 in a training step, on the second rank alone. */
static volatile int* volatile nowhere;
#define ID "segfaults_at_step"
#define IN_FORWARD \
  if (LATE_ON_RANK_1) *nowhere = 1
#include "tests/bad_plugins/identity.h"
