// Weights and samples of a trial as rows of numbers that can be drawn as images.
//
// Failures: input faults that say what is there, or which option helps.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/render/layers.hpp"
#include "runner/render/request.hpp"
#include "runner/store/results_reader.hpp"

namespace aesweep {

// Row-major.
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<double> values{};

  [[nodiscard]] std::span<const double> row(std::int64_t index) const {
    return std::span(values).subspan(static_cast<std::size_t>(index * cols),
                                     static_cast<std::size_t>(cols));
  }
};

// Of a tensor with two dimensions.
[[nodiscard]] Matrix matrix_of(const NamedTensor& tensor);

// Filters of a layer: weights [input, unit] give the image of a unit as a column, those behind the
// code [unit, input] as a row.
struct Filters {
  std::string tensor;  // "code_weights"
  bool rows = false;   // Of the tensor; else its columns.
  std::string note;    // Why they are not the code's; empty: they are, or were asked for.
  Matrix images;       // [unit, pixel]
  ImageShape shape;
};
[[nodiscard]] Result<Filters> read_filters(const ResultsReader& results, std::int64_t trial,
                                           const RenderRequest& request, WeightsOf when);

// The weights that `request` means, whatever their shape.
[[nodiscard]] Result<ChosenLayer> read_layer(const ResultsReader& results, std::int64_t trial,
                                             const RenderRequest& request, WeightsOf when);

// The shape asked for, where it has that many pixels; by default a square.
[[nodiscard]] Result<ImageShape> image_shape(std::int64_t pixels, ImageShape asked);

// The shape asked for, where it holds the units; by default two factors of about 1 : 4, or a shape
// like that with cells to spare.
[[nodiscard]] Result<ImageShape> code_shape(std::int64_t units, ImageShape asked);

struct Samples {
  Matrix inputs;
  Matrix codes;
  Matrix reconstructions;  // No rows: the trial predicts labels.
  ImageShape shape;        // Of inputs and reconstructions.
};
[[nodiscard]] Result<Samples> read_samples_of(const ResultsReader& results, std::int64_t trial,
                                              const RenderRequest& request);

}  // namespace aesweep
