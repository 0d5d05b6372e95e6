// Verdict: what one conformance case says about one component. Finding: how a case stops early.
//
// A Finding is thrown where a fault is found and caught by the runner of the case (cases.hpp,
// purity.hpp); it never leaves this folder.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/text.hpp"

namespace aesweep::conformance {

// In rising order of badness.
enum class Grade { kOk, kSkip, kWarn, kFail };

struct Verdict {
  Grade grade = Grade::kOk;
  std::string text;    // What was seen; for a failure: what, where, expected, found, next step.
  std::string scalar;  // "f32", "f64", "f32, f64"; empty where precision plays no part.
  // Of a rule that every case holds a component to: the same text in each case that it breaks.
  std::string violation{};
};

struct Finding {
  Grade grade = Grade::kFail;
  std::string text;
  std::int32_t refused = 0;  // The status with which the component refused a call, with text.
  std::string violation{};   // As in Verdict.

  // The same, with more about where it was found.
  [[nodiscard]] Finding behind(const std::string& where) const {
    Finding longer = *this;
    longer.text = where + text;
    return longer;
  }
};

template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Finding{Grade::kFail, text(parts...), 0};
}

template <class... Parts>
[[noreturn]] void skip(const Parts&... parts) {
  throw Finding{Grade::kSkip, text(parts...), 0};
}

template <class... Parts>
[[noreturn]] void warn(const Parts&... parts) {
  throw Finding{Grade::kWarn, text(parts...), 0};
}

}  // namespace aesweep::conformance
