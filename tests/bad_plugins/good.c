/* Nothing is wrong with this one. The tests spoil its file instead. */
#define ID "good"
#include "tests/bad_plugins/identity.h"
