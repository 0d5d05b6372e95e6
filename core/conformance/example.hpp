// Example parameters and tensors, with which a component is tried outside of any experiment.
//
// Everything here points into the component's library, which is never unloaded, or is static.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/abi/plugin.h"

namespace aesweep::conformance {

// A complete set of parameters, in declared order.
struct Example {
  std::string name;  // What differs from the defaults, "reduction = sum"; empty: nothing.
  std::vector<aesweep_parameter> parameters;
};

// The i-th declaration; walked with the stride that the library was compiled with.
[[nodiscard]] const aesweep_parameter_info& parameter_info(const aesweep_component& component,
                                                           std::uint32_t i);

// Every declared default, which is an example value for required parameters.
[[nodiscard]] Example default_example(const aesweep_component& component);

// The default example, then one more for every other value of a choice or boolean, and for every
// real default of 0 (which often switches something off) one with 0.5 or what the range has
// instead. A combination that the component refuses is for the caller to leave out.
[[nodiscard]] std::vector<Example> examples(const aesweep_component& component);

// The learned tensors that a plan request lists. Layers: "encoder/weights" of an earlier layer,
// [target_cols, input_cols], as a tied decoder would view it. Regularizers: "code/weights" and
// "code/bias" of the layer they watch, [other_cols, input_cols] and [1, input_cols]. Quantizers:
// "code/weights" alone. Others: none.
[[nodiscard]] std::vector<aesweep_known_tensor> example_tensors(std::uint32_t kind,
                                                                std::int64_t input_cols,
                                                                std::int64_t other_cols);

}  // namespace aesweep::conformance
