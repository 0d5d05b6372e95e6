#include "runner/render/stored_images.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

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

// How many values an image has that filters shall be.
std::int64_t pixels_of(const StoredSamples& samples, const std::vector<NamedTensor>& tensors,
                       const ModelLayers& model, ImageShape asked) {
  if (asked.given()) return asked.rows * asked.cols;
  if (!samples.inputs.shape.empty()) return samples.inputs.shape[1];
  return first_width(tensors, model);
}

Result<ModelLayers> layers_of(const ResultsReader& results, std::int64_t trial) {
  Result<std::string> config = results.config(trial);
  if (!config.ok()) return config.status();
  return model_layers(*config);
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

Result<ChosenLayer> read_layer(const ResultsReader& results, std::int64_t trial,
                               const RenderRequest& request, WeightsOf when) {
  Result<std::vector<NamedTensor>> tensors = results.weights(trial, when);
  if (!tensors.ok()) return tensors.status();
  Result<ModelLayers> model = layers_of(results, trial);
  if (!model.ok()) return model.status().in(text("trial ", trial));
  Result<ChosenLayer> layer = choose_layer(std::move(*tensors), *model, request.layer, 0);
  if (!layer.ok()) return layer.status().in(text("trial ", trial));
  return layer;
}

Result<Filters> read_filters(const ResultsReader& results, std::int64_t trial,
                             const RenderRequest& request, WeightsOf when) {
  Result<std::vector<NamedTensor>> tensors = results.weights(trial, when);
  if (!tensors.ok()) return tensors.status();
  Result<ModelLayers> model = layers_of(results, trial);
  if (!model.ok()) return model.status().in(text("trial ", trial));
  Result<StoredSamples> samples = results.samples(trial);
  if (!samples.ok()) return samples.status();
  const std::int64_t pixels = pixels_of(*samples, *tensors, *model, request.shape);
  Result<ChosenLayer> layer = choose_layer(std::move(*tensors), *model, request.layer, pixels);
  if (!layer.ok()) return layer.status().in(text("trial ", trial));
  const NamedTensor& weights = layer->weights;
  if (weights.shape[layer->rows ? 1 : 0] != pixels) {
    return Status::input(text("trial ", trial, ": ", weights.name, " [", weights.shape[0], ", ",
                              weights.shape[1], "] has no ", layer->rows ? "rows" : "columns",
                              " of ", pixels,
                              " values, so its filters are no images of that size; choose a layer "
                              "by --layer, or a shape by --shape HxW"));
  }
  Result<ImageShape> shape = image_shape(pixels, request.shape);
  if (!shape.ok()) return shape.status().in(text("trial ", trial));
  const Matrix matrix = matrix_of(weights);
  return Filters{weights.name, layer->rows, layer->note, layer->rows ? matrix : transposed(matrix),
                 *shape};
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
