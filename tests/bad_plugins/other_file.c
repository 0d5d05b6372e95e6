/* Built twice: the same plugin, and not the same bytes, as on a node with an older installation. */
#define ID "other_file"
#include "tests/bad_plugins/identity.h"
extern __attribute__((visibility("hidden"))) const int aesweep_variant;
const int aesweep_variant = VARIANT;
