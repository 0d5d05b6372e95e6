/* A derivative that is twice as large as it should be in the first element. */
#define ID "wrong_gradient"
#define IN_BACKWARD \
  if (dx->rows > 0) dx->data[0] *= 2
#include "tests/bad_plugins/identity.h"
