// A stored trial's configuration, read back: for commands that work with a finished trial's
// network.
#pragma once

#include <string>

#include "core/base/status.hpp"
#include "core/model/catalogue.hpp"
#include "core/model/spec.hpp"

namespace aesweep {

// The trial that a canonical text (canonical.hpp, /trial/<number>/config of results) describes:
// canonical_text of the result with the same data is the text again, but for model.init_from. That
// and `data` are not read: given_weights is empty. The catalogue must have the components that the
// trial used; a fault's location is in "the stored configuration".
[[nodiscard]] Result<TrialSpec> parse_trial_config(const std::string& canonical_text,
                                                   const Catalogue& catalogue);

// Whether that text says data.scaling: none.
[[nodiscard]] bool takes_data_as_stored(const std::string& canonical_text);

}  // namespace aesweep
