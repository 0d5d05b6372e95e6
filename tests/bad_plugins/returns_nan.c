/* Gives NaN for numbers, in a training step. */
#define ID "returns_nan"
#define IN_FORWARD \
  if (LATE_ON_RANK_1) y->data[0] = (__typeof__(*y->data))__builtin_nan("")
#include "tests/bad_plugins/identity.h"
