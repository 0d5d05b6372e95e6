/* Another program's magic number. */
#define ID "other_magic"
#define MAGIC 0x12345678u
#include "tests/bad_plugins/identity.h"
