// Plugin check: every conformance case on every component of a library, each in its own process.
//
// Nothing of the library runs in this process (unless in_process asks for it). One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "core/conformance/verdict.hpp"

namespace aesweep {

struct CheckPlan {
  std::string library;      // Absolute path.
  std::string only;         // Name of one case; empty: all.
  double seconds_max = 10;  // Of one case on one component.
  bool in_process = false;  // For a debugger: no forks, no limits, crashes are crashes.
};

struct CheckedCase {
  std::string name;
  std::string kind;       // "activation"; empty: the library as a whole.
  std::string component;  // Its name; likewise.
  conformance::Verdict verdict;
  double seconds = 0.0;
};

struct CheckReport {
  std::string library;
  std::string id;      // Empty where it could not be learned.
  std::string sha256;  // Likewise.
  std::vector<CheckedCase> cases;
  std::optional<bool> reproducible;  // None: the case purity was not run.
  std::string impure;                // Why it is not.

  [[nodiscard]] bool passed() const;
};

// Names of all cases, in order.
[[nodiscard]] std::vector<std::string> case_names();

// Tells `done` of every verdict as it is there. A failed case is in the report; a fault is that
// nothing could be checked: no such case or file (input), no processes (world).
[[nodiscard]] Result<CheckReport> check_library_file(
    const CheckPlan& plan, const std::function<void(const CheckedCase&)>& done);

}  // namespace aesweep
