// The conformance cases that look at numbers: a named list, each a function of one component.
//
// runner/plugin_check runs them, each in a process of its own: a case calls the component's code,
// which may crash or never return. Same component, same verdict, every time (throughput's figures
// apart): all data come from counters.
#pragma once

#include <span>

#include "core/conformance/live.hpp"
#include "core/conformance/verdict.hpp"

namespace aesweep::conformance {

struct Case {
  const char* name;     // Lower case, dashes.
  const char* summary;  // One line: what is proved.
  Verdict (*check)(const Subject& subject);
};

// In the order in which they are run.
[[nodiscard]] std::span<const Case> cases();

// The case's verdict; a fault found on the way is one, too. Throws nothing.
[[nodiscard]] Verdict run_case(const Case& which, const Subject& subject);

}  // namespace aesweep::conformance
