/* Writes to the program's standard output. */
#include <stdio.h>
#define ID "prints_to_stdout"
#define IN_FORWARD puts("forward")
#include "tests/bad_plugins/identity.h"
