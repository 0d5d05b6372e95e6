/* Every call gives a little more than the one before. */
#define ID "hidden_state"
#define IN_FORWARD \
  if (y->rows > 0) y->data[0] += (__typeof__(*y->data))(1e-3 * ++state_of_all_instances)
#include "tests/bad_plugins/identity.h"
