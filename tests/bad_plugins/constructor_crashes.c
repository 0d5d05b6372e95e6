/* Writes to address 0 while it is loaded. */
__attribute__((constructor)) static void crash(void) {
  volatile int* volatile nowhere = 0;
  *nowhere = 1;
}
#define ID "constructor_crashes"
#include "tests/bad_plugins/identity.h"
