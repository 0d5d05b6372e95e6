/* A function table that ends before its backward. */
#define ID "short_table"
#define TABLE_BYTES(table) offsetof(__typeof__(table), backward)
#include "tests/bad_plugins/identity.h"
