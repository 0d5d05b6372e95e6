// A trial's resolved configuration: plain values, every default filled in, nothing left to look up.
//
// runner/config makes these from YAML; tests write them by hand. Equal specs give equal bits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/model/named_tensor.hpp"
#include "core/model/scalar.hpp"

namespace aesweep {

using ParameterValue = std::variant<bool, std::int64_t, double, std::string>;
using NamedParameter = std::pair<std::string, ParameterValue>;

// A component: the name experiments use for `kind:`, and its parameters. Parameters left out take
// the defaults that the component declares.
struct ComponentSpec {
  std::string name;
  std::vector<NamedParameter> parameters;
};

enum class RegularizerTarget { kActivations, kWeights };

struct RegularizerSpec {
  std::string name;  // Unique in its layer; names the loss term.
  RegularizerTarget on = RegularizerTarget::kActivations;
  ComponentSpec component;
};

enum class OptimizerTarget { kAll, kQuantized };

// An optimizer of one layer's own; tensors that it does not take go to the experiment's.
struct LayerOptimizerSpec {
  ComponentSpec component;
  OptimizerTarget on = OptimizerTarget::kAll;
};

struct LayerSpec {
  std::string name;  // Unique in the model.
  ComponentSpec layer;
  std::optional<ComponentSpec> activation;  // None: the layer's output as it is.
  std::vector<RegularizerSpec> regularizers;
  std::optional<ComponentSpec> quantizer;
  std::optional<LayerOptimizerSpec> optimizer{};
};

// What the network is to predict: its input, or the sample's label as a row of `classes` values, 1
// at the label and 0 elsewhere.
enum class Target { kInput, kLabels };

// A layer of the model, and the layer of the given weights that it starts from.
struct LayerSource {
  std::string layer;
  std::string from;
};

// Given weights to start from, in place of drawn ones. Names are compared as results store them,
// with underscores for dots and slashes.
struct GivenWeights {
  std::shared_ptr<const std::vector<NamedTensor>> tensors;  // Not null.
  std::string sha256;  // Of their names, shapes, scalars and bytes; hex. Stands for them in keys.
  // Layers that start from them; all others are drawn. Empty: every layer, by its own name, and a
  // tensor of the model that is not among them is an input fault.
  std::vector<LayerSource> layers;
};

struct ModelSpec {
  Scalar scalar = Scalar::kF32;
  std::string code = "code";  // The layer whose output is the code.
  ComponentSpec loss;
  std::vector<LayerSpec> layers;
  Target target = Target::kInput;
  std::int64_t classes = 0;  // Target::kLabels: labels are in [0, classes).
  std::optional<GivenWeights> given_weights;
};

enum class ScheduleKind { kConstant, kLinear, kExponential, kCosine, kStep };
enum class SchedulePer { kStep, kEpoch };

// The factor on every optimizer's learning rate: core/train/schedule.hpp has the formulae.
struct ScheduleSpec {
  ScheduleKind kind = ScheduleKind::kConstant;
  SchedulePer per = SchedulePer::kStep;  // Whether the factor changes every step or every epoch.
  std::int64_t warmup_steps = 0;         // Linear rise at the beginning, under any kind.
  double final_factor = 0.0;             // kLinear, kExponential, kCosine: at the end of training.
  std::int64_t every_epochs = 1;         // kStep
  double factor = 0.1;                   // kStep: once every `every_epochs`.
};

// Bounds on the gradient before the update; 0 is none. Values are clipped before the norm is taken.
struct ClipSpec {
  double norm = 0.0;   // L2 norm over all learned tensors.
  double value = 0.0;  // Absolute value of each element.
};

struct TrainSpec {
  std::int64_t epochs = 1;
  std::int64_t batch_rows = 128;
  std::int64_t shard_rows = 64;  // Upper bound of a shard's rows.
  std::uint64_t seed = 0;
  bool shuffle = true;
  bool reproducible = true;
  ScheduleSpec schedule;
  ClipSpec clip;
};

// How real codes become bits, one per unit (core/codes/binarizer.hpp): the pre-activation is at
// least 0; the code is above the unit's mean or median over the database; PCA and iterative
// quantization.
enum class Binarization { kZero, kMean, kMedian, kItq };

// Evaluation of codes as hashes, once, after the last epoch: the test samples are the queries, the
// training samples the database.
struct CodeEvaluationSpec {
  std::vector<Binarization> binarize = {Binarization::kZero};  // Each once, in this order.
  std::int64_t queries = 0;   // The first so many test samples; 0: all.
  std::int64_t database = 0;  // The first so many training samples; 0: all.
  std::int64_t radius = 2;    // Hamming radius of precision_radius.
};

struct EvaluateSpec {
  std::int64_t every = 1;         // Epochs between evaluations; the last epoch is always evaluated.
  double active_threshold = 0.0;  // A code unit is active where its absolute value is above this.
  std::optional<CodeEvaluationSpec> codes{};
};

struct RecordSpec {
  bool weights = true;        // Keep initial and final weights.
  std::int64_t every = 1;     // Epochs between those in the history; the last is in it.
  std::int64_t samples = 64;  // Test samples kept with code and reconstruction.
};

struct TrialSpec {
  ModelSpec model;
  ComponentSpec optimizer;
  TrainSpec train;
  EvaluateSpec evaluate;
  RecordSpec record;
};

// The default of train.shard_rows: large enough for an efficient matrix product, and at most 32
// shards in a large batch so that the reduction stays cheap.
[[nodiscard]] constexpr std::int64_t default_shard_rows(std::int64_t batch_rows) {
  const std::int64_t thirty_second = (batch_rows + 31) / 32;
  return thirty_second > 64 ? thirty_second : 64;
}

}  // namespace aesweep
