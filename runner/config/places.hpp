// Places: where the keys of a document were written, for faults that are found long after it was
// read, in a trial's plan or data.
#pragma once

#include <map>
#include <string>

#include "runner/config/document.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

// By dotted key, layers and regularizers by their names; a swept key is where `parameters` has it.
[[nodiscard]] std::map<std::string, Mark> places_of(const DocumentParts& parts);

}  // namespace aesweep
