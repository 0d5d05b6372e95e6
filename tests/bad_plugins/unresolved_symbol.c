/* Calls a function that no library defines. */
extern void nobody_defines_this(void);
#define ID "unresolved_symbol"
#define IN_FORWARD nobody_defines_this()
#include "tests/bad_plugins/identity.h"
