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
    case Outcome::kPruned:
      return "pruned";
    case Outcome::kInterrupted:
      return "interrupted";
  }
  return "unknown";
}

}  // namespace aesweep
