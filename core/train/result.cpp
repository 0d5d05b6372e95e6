#include "core/train/result.hpp"

namespace aesweep {

const char* outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kCompleted:
      return "completed";
    case Outcome::kDiverged:
      return "diverged";
    case Outcome::kFailed:
      return "failed";
  }
  return "unknown";
}

}  // namespace aesweep
