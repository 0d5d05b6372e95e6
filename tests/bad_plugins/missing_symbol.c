/* Exports its entry under another name. */
#define ID "missing_symbol"
#define SYMBOL somebody_elses_plugin
#include "tests/bad_plugins/identity.h"
