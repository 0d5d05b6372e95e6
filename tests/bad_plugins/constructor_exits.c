/* Ends the program while it is loaded, as a success at that. */
#include <stdlib.h>
__attribute__((constructor)) static void leave(void) { exit(0); }
#define ID "constructor_exits"
#include "tests/bad_plugins/identity.h"
