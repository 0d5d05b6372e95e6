// The canonical text of a trial: YAML of everything that decides its result, defaults written out.
#pragma once

#include <string>

#include "core/data/source.hpp"
#include "core/model/spec.hpp"

namespace aesweep {

// Equal specifications give equal texts and different ones different texts. The data's path is left
// out: the data's fingerprint stands for it. With a path added where the source needs one, the text
// is an experiment of one trial whose canonical text is this text again, but for given weights: of
// those a digest is in it.
[[nodiscard]] std::string canonical_text(const TrialSpec& trial, const DataSpec& data);

}  // namespace aesweep
