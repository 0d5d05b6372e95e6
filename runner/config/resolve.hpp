// Resolution: from a document's nodes to a trial's specification, checked against the catalogue.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/data/source.hpp"
#include "core/model/catalogue.hpp"
#include "core/model/spec.hpp"
#include "runner/config/axes.hpp"
#include "runner/config/init_from.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

// A trial, and the typed values of axes that gave a single parameter. Values with origin i + 1 come
// from axis i; where a value ended up elsewhere, its element is empty.
struct ResolvedTrial {
  TrialSpec spec;
  std::vector<std::optional<ParameterValue>> swept;
};

[[nodiscard]] Result<ResolvedTrial> resolve_trial(const std::string& file, const Node& document,
                                                  std::span<const Axis> axes,
                                                  const RecordSpec& record,
                                                  const Catalogue& catalogue,
                                                  InitFromReader& init_from);

// What trials are compared by if the experiment doesn't say.
[[nodiscard]] const char* default_metric(const ModelSpec& model);

// Checks that a trial will report this metric; the message has no location.
Status check_metric(const std::string& metric, const TrialSpec& trial, const DataSpec& data,
                    const Catalogue& catalogue);

// Checks that the data can be what the model is to predict; the message has no location.
Status check_target(const ModelSpec& model, const DataSpec& data);

}  // namespace aesweep
