/* Waits for ever while it is loaded. */
#include <unistd.h>
__attribute__((constructor)) static void wait_for_ever(void) {
  for (;;) pause();
}
#define ID "constructor_hangs"
#include "tests/bad_plugins/identity.h"
