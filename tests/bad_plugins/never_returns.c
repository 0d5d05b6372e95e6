/* Never comes back from a call. */
#include <unistd.h>
#define ID "never_returns"
#define IN_FORWARD \
  for (;;) pause()
#include "tests/bad_plugins/identity.h"
