/* Writes one element after the last row of its output. */
#define ID "writes_past_output"
#define IN_FORWARD y->data[y->rows * y->row_stride] = 1
#include "tests/bad_plugins/identity.h"
