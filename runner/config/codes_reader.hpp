// The section evaluate.codes: evaluation of codes as hashes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/status.hpp"
#include "core/model/spec.hpp"
#include "runner/config/fields.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

// "zero", "mean", "median", "itq".
[[nodiscard]] std::string_view binarization_word(Binarization kind);

// Nothing where the section is not there. `binarize` is a list of words, each once, or one word.
[[nodiscard]] Result<std::optional<CodeEvaluationSpec>> read_codes(const std::string& file,
                                                                   FieldReader& reader,
                                                                   const Node& document);

}  // namespace aesweep
