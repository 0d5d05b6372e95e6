#include "runner/render/stored_images.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/base/text.hpp"
#include "runner/store/names.hpp"

namespace aesweep {
namespace {

constexpr std::string_view kWeights = "_weights";

template <class T>
std::vector<double> reals_of(const std::vector<std::byte>& bytes) {
  std::vector<double> values(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = value;
  }
  return values;
}

Matrix transposed(const Matrix& matrix) {
  Matrix turned{matrix.cols, matrix.rows, std::vector<double>(matrix.values.size())};
  for (std::int64_t i = 0; i < matrix.rows; ++i) {
    for (std::int64_t j = 0; j < matrix.cols; ++j) {
      turned.values[static_cast<std::size_t>(j * matrix.rows + i)] =
          matrix.values[static_cast<std::size_t>(i * matrix.cols + j)];
    }
  }
  return turned;
}

// Those that can be a layer's weights.
std::vector<NamedTensor> matrices_of(std::vector<NamedTensor> tensors) {
  std::erase_if(tensors, [](const NamedTensor& tensor) {
    return tensor.shape.size() != 2 || tensor.bytes.empty() || !tensor.name.ends_with(kWeights);
  });
  return tensors;
}

Status choose_one(const std::vector<NamedTensor>& tensors, const std::string& problem) {
  std::string names;
  for (const NamedTensor& tensor : tensors) {
    names += (names.empty() ? "" : ", ") +
             tensor.name.substr(0, tensor.name.size() - kWeights.size()) +
             text(" [", tensor.shape[0], ", ", tensor.shape[1], "]");
  }
  return Status::input(text(problem, "; layers with a matrix of weights: ",
                            names.empty() ? "none" : names, "; choose one by --layer"));
}

// By name, or the one that makes the code: [input, unit] of the recorded samples.
Result<NamedTensor> choose_layer(const std::vector<NamedTensor>& tensors,
                                 const StoredSamples& samples, const std::string& asked) {
  const std::string wanted = asked.empty() ? "code" : stored_name(asked);
  for (const NamedTensor& tensor : tensors) {
    if (tensor.name == wanted + std::string(kWeights)) return tensor;
  }
  if (!asked.empty()) return choose_one(tensors, text("no layer ", asked));
  std::vector<NamedTensor> fitting = tensors;
  if (!samples.inputs.shape.empty() && !samples.codes.shape.empty()) {
    std::erase_if(fitting, [&](const NamedTensor& tensor) {
      return tensor.shape[0] != samples.inputs.shape[1] ||
             tensor.shape[1] != samples.codes.shape[1];
    });
  }
  if (fitting.size() == 1) return fitting.front();
  return choose_one(tensors, "which layer makes the code is not clear");
}

}  // namespace

Matrix matrix_of(const NamedTensor& tensor) {
  AESWEEP_CHECK(tensor.shape.size() == 2, tensor.name + " is no matrix");
  return {tensor.shape[0], tensor.shape[1],
          tensor.scalar == Scalar::kF32 ? reals_of<float>(tensor.bytes)
                                        : reals_of<double>(tensor.bytes)};
}

Result<ImageShape> image_shape(std::int64_t pixels, ImageShape asked) {
  if (pixels == 0) return Status::input("images without pixels: there is nothing to draw");
  if (asked.given()) {
    if (asked.cols > 0 && asked.rows <= pixels / asked.cols && asked.rows * asked.cols == pixels) {
      return asked;
    }
    return Status::input(text("--shape ", asked.rows, "x", asked.cols, ": images have ", pixels,
                              " values, and rows times columns must be as many"));
  }
  const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(pixels))));
  if (side * side == pixels) return ImageShape{side, side};
  return Status::input(text("images have ", pixels,
                            " values, which is no square; say their rows "
                            "and columns by --shape HxW"));
}

Result<ImageShape> code_shape(std::int64_t units, ImageShape asked) {
  if (units == 0) return Status::input("codes without units: there is nothing to draw");
  if (asked.given()) {
    if (asked.rows * asked.cols == units) return asked;
    return Status::input(text("--code-shape ", asked.rows, "x", asked.cols, ": codes have ", units,
                              " units, and rows times columns must be as many"));
  }
  constexpr double kAspect = 4.0;
  constexpr double kAspectOff = 2.0;  // From 1 : 2 to 1 : 8.
  ImageShape best;
  double best_off = 0;
  for (std::int64_t rows = 1; rows * rows <= units; ++rows) {
    if (units % rows != 0) continue;
    const double aspect = static_cast<double>(units / rows) / static_cast<double>(rows);
    const double off = std::max(aspect / kAspect, kAspect / aspect);
    if (best.given() && off > best_off) continue;  // Of two as good, the more square one.
    best = {rows, units / rows};
    best_off = off;
  }
  if (best_off <= kAspectOff) return best;
  const auto cols =
      static_cast<std::int64_t>(std::ceil(std::sqrt(kAspect * static_cast<double>(units))));
  return ImageShape{(units + cols - 1) / cols, cols};
}

Result<NamedTensor> read_layer(const ResultsReader& results, std::int64_t trial,
                               const RenderRequest& request, WeightsOf when) {
  Result<std::vector<NamedTensor>> tensors = results.weights(trial, when);
  if (!tensors.ok()) return tensors.status();
  Result<StoredSamples> samples = results.samples(trial);
  if (!samples.ok()) return samples.status();
  Result<NamedTensor> layer =
      choose_layer(matrices_of(std::move(*tensors)), *samples, request.layer);
  if (!layer.ok()) return layer.status().in(text("trial ", trial));
  return layer;
}

Result<Filters> read_filters(const ResultsReader& results, std::int64_t trial,
                             const RenderRequest& request, WeightsOf when) {
  Result<NamedTensor> layer = read_layer(results, trial, request, when);
  if (!layer.ok()) return layer.status();
  Result<StoredSamples> samples = results.samples(trial);
  if (!samples.ok()) return samples.status();
  std::int64_t pixels = layer->shape[0];
  if (request.shape.given()) {
    pixels = request.shape.rows * request.shape.cols;
  } else if (!samples->inputs.shape.empty()) {
    pixels = samples->inputs.shape[1];
  }
  const bool as_columns = layer->shape[0] == pixels;
  const bool as_rows = layer->shape[1] == pixels;
  if (!as_columns && !as_rows) {
    return Status::input(text("trial ", trial, ": ", layer->name, " [", layer->shape[0], ", ",
                              layer->shape[1], "] has no side of ", pixels,
                              " values, so its filters are no images of that size; choose a layer "
                              "by --layer, or a shape by --shape HxW"));
  }
  Result<ImageShape> shape = image_shape(pixels, request.shape);
  if (!shape.ok()) return shape.status().in(text("trial ", trial));
  const Matrix matrix = matrix_of(*layer);
  // Where both sides fit, a layer named on purpose is the decoder.
  const bool rows = as_rows && (!as_columns || (!request.layer.empty() && request.layer != "code"));
  return Filters{layer->name, rows ? matrix : transposed(matrix), *shape};
}

Result<Samples> read_samples_of(const ResultsReader& results, std::int64_t trial,
                                const RenderRequest& request) {
  Result<StoredSamples> stored = results.samples(trial);
  if (!stored.ok()) return stored.status();
  const bool none = stored->inputs.shape.empty() || stored->codes.shape.empty() ||
                    stored->reconstructions.shape.empty() || stored->inputs.shape[0] == 0;
  if (none) {
    return Status::input(text("trial ", trial,
                              " has no samples: the run did not record them, or "
                              "the trial failed; run it with record.samples: 16"));
  }
  Samples samples;
  Result<ImageShape> shape = image_shape(stored->inputs.shape[1], request.shape);
  if (!shape.ok()) return shape.status().in(text("trial ", trial));
  samples.shape = *shape;
  samples.inputs = matrix_of(stored->inputs);
  samples.codes = matrix_of(stored->codes);
  if (!stored->predictions) samples.reconstructions = matrix_of(stored->reconstructions);
  return samples;
}

}  // namespace aesweep
