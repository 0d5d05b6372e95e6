// Names that the results file could not keep apart. It turns `.` and `/` of a name into `_`
// (docs/results.md), so two keys or two metrics may end as one; that is refused before anything
// runs. Plain functions, any thread.
#pragma once

#include <span>
#include <string>

#include "core/base/status.hpp"
#include "core/model/catalogue.hpp"
#include "core/model/spec.hpp"
#include "runner/config/axes.hpp"

namespace aesweep {

// The swept keys; the fault lies at the later of the two.
[[nodiscard]] Status check_stored_keys(const std::string& file, std::span<const Axis> axes);

// The metrics that a model reports; the message names the regularizers and has no location.
[[nodiscard]] Status check_stored_metrics(const ModelSpec& model, const Catalogue& catalogue);

}  // namespace aesweep
