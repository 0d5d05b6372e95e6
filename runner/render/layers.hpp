// Which of a trial's layers is drawn, and whether its filters are columns or rows: from the model
// in the trial's stored configuration, whatever its layers are called.
//
// Failures: input faults that say which layers there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "core/model/named_tensor.hpp"

namespace aesweep {

struct ModelLayer {
  std::string name;
  std::string tied_to;  // Whose weights it uses in place of its own; empty: none.
};

struct ModelLayers {
  std::vector<ModelLayer> layers;  // From the input to the reconstruction.
  std::size_t code = 0;            // Which of them gives the code.
};

// Of a stored configuration (results' /trial/<number>/config).
[[nodiscard]] Result<ModelLayers> model_layers(const std::string& config);

struct ChosenLayer {
  NamedTensor weights;  // Two dimensions.
  bool rows = false;    // Filters are its rows, behind the code; else columns.
  std::string note;     // Why it is not the code's, where nobody asked for it.
};

// The layer called `asked`, or by default the code's. `input_width` is that of an image which the
// filters shall be, so that a deep network gives the first layer that sees the input; 0: any.
[[nodiscard]] Result<ChosenLayer> choose_layer(std::vector<NamedTensor> tensors,
                                               const ModelLayers& model, const std::string& asked,
                                               std::int64_t input_width);

// The width of what the first layer with weights sees; 0: there is none.
[[nodiscard]] std::int64_t first_width(const std::vector<NamedTensor>& tensors,
                                       const ModelLayers& model);

}  // namespace aesweep
