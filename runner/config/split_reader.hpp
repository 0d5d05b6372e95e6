// The section data.split: which samples train, validate and test.
#pragma once

#include <string>

#include "core/base/status.hpp"
#include "core/data/source.hpp"
#include "runner/config/fields.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

// A part is a fraction in (0, 1) or a list [first, last) of two whole numbers; all are the same
// kind, and no sample is in two. Nothing is set where the section is not there.
[[nodiscard]] Result<SplitSpec> read_split(const std::string& file, FieldReader& reader,
                                           const Node& document);

}  // namespace aesweep
