/* Writes the element after a row, where the row is longer than the matrix is wide. */
#define ID "writes_padding"
#define IN_FORWARD \
  if (y->rows > 0 && y->row_stride > y->cols) y->data[y->cols] = 1
#include "tests/bad_plugins/identity.h"
