// Lets an exception out of a call, in a training step and on the second rank alone.
#include <stdexcept>
#define ID "throws"
#define IN_FORWARD \
  if (LATE_ON_RANK_1) throw std::runtime_error("too many units")
#include "tests/bad_plugins/identity.h"
