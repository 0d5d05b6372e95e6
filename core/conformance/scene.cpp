#include "core/conformance/scene.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "core/base/check.hpp"
#include "core/conformance/stage.hpp"
#include "core/sdk/philox.hpp"

namespace aesweep::conformance {
namespace {

double single(double value) { return static_cast<double>(static_cast<float>(value)); }

// A stride through [0, rows) that meets every row once.
std::int64_t stride_through(std::int64_t rows) {
  for (const std::int64_t stride : {11, 7, 5, 3, 2}) {
    if (rows % stride != 0 && stride < rows) return stride;
  }
  return 1;
}

// Fills rows * cols numbers with f(i, j), rounded to single precision.
template <class F>
Piece make(const std::string& name, std::int64_t rows, std::int64_t cols, F f) {
  Piece piece{name, rows, cols, {}};
  piece.values.reserve(static_cast<std::size_t>(rows * cols));
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < cols; ++j) piece.values.push_back(single(f(i, j)));
  }
  return piece;
}

// In (low, high): every column meets each of `rows` equal parts of it once, in an order of its own.
Piece spread(const std::string& name, std::int64_t rows, std::int64_t cols, double low, double high,
             std::uint64_t salt) {
  const std::int64_t stride = stride_through(rows);
  return make(name, rows, cols, [&](std::int64_t i, std::int64_t j) {
    const auto shift = static_cast<std::int64_t>(salt) + j * (j + 1) / 2;
    const auto part = static_cast<double>((i * stride + shift) % rows);
    const double at = (part + 0.5 + 0.49 * scatter(i, j, salt)) / static_cast<double>(rows);
    return low + (high - low) * at;
  });
}

Piece scattered(const std::string& name, std::int64_t rows, std::int64_t cols, double scale,
                std::uint64_t salt) {
  return make(name, rows, cols,
              [&](std::int64_t i, std::int64_t j) { return scale * scatter(i, j, salt); });
}

// A tensor of the plan: about what its initializer gives, but nowhere special.
Piece initial(const aesweep_tensor& tensor, std::uint64_t salt) {
  const double a = tensor.init_a;
  const double b = tensor.init_b;
  return make(tensor.name, tensor.rows, tensor.cols, [&](std::int64_t i, std::int64_t j) {
    const double u = scatter(i, j, salt);
    if (tensor.init == AESWEEP_INIT_UNIFORM) return 0.5 * (a + b) + 0.5 * (b - a) * u;
    if (tensor.init == AESWEEP_INIT_NORMAL) return a + 1.7 * b * u;  // Of the same variance.
    return a == 0.0 ? 0.25 * u : a * (1.0 + 0.25 * u);
  });
}

// Each row is a distribution over the columns, its largest entry at labels[row].
Piece distributions(std::int64_t rows, std::int64_t cols, std::vector<std::int32_t>& labels,
                    std::uint64_t salt) {
  Piece target = make("target", rows, cols,
                      [&](std::int64_t i, std::int64_t j) { return 1.2 + scatter(i, j, salt); });
  labels.resize(static_cast<std::size_t>(rows));
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t label = (i * 5 + 3) % cols;
    labels[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(label);
    double* row = target.values.data() + i * cols;
    row[label] += 2.0;
    double sum = 0.0;
    for (std::int64_t j = 0; j < cols; ++j) sum += row[j];
    for (std::int64_t j = 0; j < cols; ++j) row[j] = single(row[j] / sum);
  }
  return target;
}

template <class T>
void add_tensors(const Live<T>& live, std::uint64_t salt, Inputs& inputs) {
  for (const aesweep_tensor& tensor : live.tensors()) {
    if (tensor.role == AESWEEP_LEARNED) {
      inputs.parameters.push_back(initial(tensor, salt + 100 + inputs.parameters.size()));
    } else if (tensor.role == AESWEEP_VIEWED) {
      inputs.viewed.push_back(
          scattered(tensor.name, tensor.rows, tensor.cols, 0.7, salt + 200 + inputs.viewed.size()));
    }
  }
}

// Targets of -1 and 1.
Piece signs(const Piece& like) {
  Piece piece = like;
  const double even = 1.0 / static_cast<double>(std::max<std::int64_t>(like.cols, 1));
  for (double& value : piece.values) value = value > even ? 1.0 : -1.0;
  return piece;
}

// Whether the component says, with text, that it cannot compute with these numbers.
template <class T>
bool refused(const Live<T>& live, const Inputs& inputs, std::int64_t rows) {
  Layout layout;
  layout.shards = {rows};
  layout.any_value = true;
  try {
    (void)run(live, inputs, layout);
    return false;
  } catch (const Finding& finding) {
    return finding.refused == AESWEEP_NUMERIC;
  }
}

}  // namespace

const Piece& Inputs::at(const std::string& name) const {
  for (const Piece& piece : batch) {
    if (piece.name == name) return piece;
  }
  check_failed(__FILE__, __LINE__, "no input " + name);
}

Piece& Inputs::at(const std::string& name) {
  return const_cast<Piece&>(std::as_const(*this).at(name));
}

std::vector<Piece*> Inputs::all() {
  std::vector<Piece*> pieces;
  for (std::vector<Piece>* group : {&batch, &parameters, &viewed}) {
    for (Piece& piece : *group) pieces.push_back(&piece);
  }
  return pieces;
}

const Piece* find_piece(const Outcome& outcome, const std::string& name) {
  for (const Piece& piece : outcome) {
    if (piece.name == name) return &piece;
  }
  return nullptr;
}

double scatter(std::int64_t i, std::int64_t j, std::uint64_t salt) {
  const PhiloxBlock block = philox(
      stream_key(salt, 17), {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j), 7, 11});
  return single(2.0 * uniform_double(block[0], block[1]) - 1.0);
}

template <class T>
Inputs make_inputs(const Live<T>& live, std::int64_t rows, std::uint64_t salt) {
  const std::int64_t cols = live.shape().input_cols;
  const std::int64_t target_cols = live.shape().target_cols;
  constexpr double kReach = 2.5;  // Beyond the ends of clipped functions.
  Inputs inputs;
  switch (live.component().kind) {
    case AESWEEP_REGULARIZER:
      inputs.batch = {spread("input", rows, cols, -1.0, 1.0, salt + 1),
                      spread("pre_activation", rows, cols, -kReach, kReach, salt + 2),
                      spread("output", rows, cols, -0.4, 1.4, salt + 3),
                      scattered("w", rows, cols, 1.2, salt + 4)};
      for (const aesweep_known_tensor& tensor : live.known()) {
        inputs.parameters.push_back(scattered(tensor.name, tensor.rows, tensor.cols, 0.7,
                                              salt + 100 + inputs.parameters.size()));
      }
      // Some know the range of what they watch.
      if (refused(live, inputs, rows)) {
        inputs.at("output") = spread("output", rows, cols, 0.05, 0.95, salt + 3);
      }
      break;
    case AESWEEP_QUANTIZER:
    case AESWEEP_OPTIMIZER:
      inputs.batch = {scattered("w", rows, cols, 1.2, salt + 1),
                      scattered("gradient", rows, cols, 1.0, salt + 2),
                      scattered("previous", rows, cols, 1.2, salt + 3)};
      break;
    case AESWEEP_LOSS: {
      Piece prediction = spread("prediction", rows, cols, 0.03, 0.97, salt + 1);
      Piece target = distributions(rows, target_cols, inputs.labels, salt + 2);
      inputs.batch = {std::move(prediction), std::move(target)};
      if (refused(live, inputs, rows)) inputs.at("target") = signs(inputs.at("target"));
      break;
    }
    default:
      inputs.batch = {spread("x", rows, cols, -kReach, kReach, salt + 1),
                      scattered("dy", rows, live.planned().output_cols, 1.0, salt + 2)};
      add_tensors(live, salt, inputs);
  }
  return inputs;
}

namespace {

template <class T>
Outcome run_kind(const Live<T>& live, const Inputs& inputs, const Layout& layout) {
  switch (live.component().kind) {
    case AESWEEP_REGULARIZER:
      return run_regularizer(live, inputs, layout);
    case AESWEEP_QUANTIZER:
      return run_quantizer(live, inputs, layout);
    case AESWEEP_LOSS:
      return run_loss(live, inputs, layout);
    case AESWEEP_OPTIMIZER:
      return run_optimizer(live, inputs, layout);
    default:
      return run_transform(live, inputs, layout);
  }
}

// What is wrong, without the numbers and the advice: the same wherever it is met.
std::string violation_of(const std::string& found) {
  std::string words;
  for (const char c : found.substr(0, found.find(';'))) {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_') words += c;
  }
  return words;
}

}  // namespace

template <class T>
Outcome run(const Live<T>& live, const Inputs& inputs, const Layout& layout) {
  try {
    return run_kind(live, inputs, layout);
  } catch (Finding& finding) {
    finding.violation = violation_of(finding.text);
    throw;
  }
}

template Inputs make_inputs<float>(const Live<float>&, std::int64_t, std::uint64_t);
template Inputs make_inputs<double>(const Live<double>&, std::int64_t, std::uint64_t);
template Outcome run<float>(const Live<float>&, const Inputs&, const Layout&);
template Outcome run<double>(const Live<double>&, const Inputs&, const Layout&);

}  // namespace aesweep::conformance
