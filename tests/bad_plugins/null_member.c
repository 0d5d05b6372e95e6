/* A function table whose forward is null. */
#define ID "null_member"
#define FORWARD(name) NULL
#include "tests/bad_plugins/identity.h"
