#include "runner/config/schema.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "core/base/text.hpp"
#include "core/codes/packed_codes.hpp"
#include "core/data/source.hpp"
#include "core/model/spec.hpp"
#include "runner/config/address.hpp"
#include "runner/config/experiment.hpp"

namespace aesweep {
namespace {

constexpr double kLargestReal = std::numeric_limits<double>::max();
constexpr double kRowsMaxReal = static_cast<double>(kRowsMax);
constexpr double kColsMax = 1048576.0;
constexpr double kStepsMax = 9007199254740991.0;  // 2^53 - 1, exact in a double.
constexpr double kSeedMax = 9007199254740991.0;   // 2^53 - 1: exact in every reader of the results.

aesweep_parameter_info declared(aesweep_parameter_type type, const char* name) {
  aesweep_parameter_info info{};
  info.struct_size = sizeof info;
  info.type = type;
  info.name = name;
  info.summary = "";
  return info;
}

aesweep_parameter_info whole(const char* name, std::int64_t value, double minimum, double maximum) {
  aesweep_parameter_info info = declared(AESWEEP_INTEGER, name);
  info.default_integer = value;
  info.minimum = minimum;
  info.maximum = maximum;
  return info;
}

aesweep_parameter_info real(const char* name, double value, double minimum, std::uint32_t flags) {
  aesweep_parameter_info info = declared(AESWEEP_REAL, name);
  info.default_real = value;
  info.minimum = minimum;
  info.maximum = kLargestReal;
  info.flags = flags;
  return info;
}

aesweep_parameter_info flag(const char* name, bool value) {
  aesweep_parameter_info info = declared(AESWEEP_BOOLEAN, name);
  info.default_integer = value ? 1 : 0;
  return info;
}

aesweep_parameter_info choice(const char* name, const char* const* choices) {
  aesweep_parameter_info info = declared(AESWEEP_CHOICE, name);
  info.choices = choices;
  info.default_text = choices[0];
  return info;
}

using Fields = std::vector<aesweep_parameter_info>;

const Fields& train_fields() {
  constexpr TrainSpec kDefaults;
  static const Fields fields = {
      whole("epochs", kDefaults.epochs, 1, 1000000),
      whole("batch_rows", kDefaults.batch_rows, 1, kRowsMaxReal),
      whole("shard_rows", 0, 1, kRowsMaxReal),  // 0 stands for default_shard_rows(batch_rows).
      whole("seed", 0, 0, kSeedMax),
      flag("shuffle", kDefaults.shuffle),
      flag("reproducible", kDefaults.reproducible),
  };
  return fields;
}

const Fields& schedule_fields() {
  constexpr ScheduleSpec kDefaults;
  static constexpr std::array<const char*, 6> kKinds = {"constant", "linear", "exponential",
                                                        "cosine",   "step",   nullptr};
  static constexpr std::array<const char*, 3> kPer = {"step", "epoch", nullptr};
  static const Fields fields = {
      choice("kind", kKinds.data()),
      choice("per", kPer.data()),
      whole("warmup_steps", kDefaults.warmup_steps, 0, kStepsMax),
      real("final_factor", kDefaults.final_factor, 0, 0),
      whole("every_epochs", kDefaults.every_epochs, 1, 1000000),
      real("factor", kDefaults.factor, 0, 0),
  };
  return fields;
}

const Fields& clip_fields() {
  constexpr ClipSpec kDefaults;
  static const Fields fields = {
      real("norm", kDefaults.norm, 0, 0),
      real("value", kDefaults.value, 0, 0),
  };
  return fields;
}

// Those that are no components and no lists.
const Fields& model_fields() {
  static constexpr std::array<const char*, 3> kScalars = {"f32", "f64", nullptr};
  static constexpr std::array<const char*, 3> kTargets = {"input", "labels", nullptr};
  static const Fields fields = {
      choice("scalar", kScalars.data()), choice("target", kTargets.data()),
      whole("classes", 0, 2, kColsMax),  // 0 stands for none, as target input has it.
  };
  return fields;
}

const Fields& init_from_fields() {
  static const Fields fields = {
      whole("trial", -1, 0, static_cast<double>(kTrialsMax))};  // -1 stands for none.
  return fields;
}

const Fields& data_fields() {
  constexpr SuperpositionSpec kDefaults;
  static constexpr std::array<const char*, 4> kSources = {"superposition", "idx", "files", nullptr};
  static constexpr std::array<const char*, 7> kScalings = {
      "auto", "none", "unit", "symmetric", "center", "standardize", nullptr};
  static constexpr std::array<const char*, 3> kStorages = {"memory", "stream", nullptr};
  aesweep_parameter_info source = choice("source", kSources.data());
  source.flags = AESWEEP_REQUIRED;
  static const Fields fields = {
      source,
      whole("limit", 0, 0, kRowsMaxReal),
      whole("train_rows", kDefaults.train_rows, 1, kRowsMaxReal),
      whole("test_rows", kDefaults.test_rows, 1, kRowsMaxReal),
      whole("cols", kDefaults.cols, 1, kColsMax),
      whole("atoms", kDefaults.atoms, 1, kColsMax),
      real("active_mean", kDefaults.active_mean, 0, AESWEEP_ABOVE_MINIMUM),
      real("amplitude_min", kDefaults.amplitude_min, 0, 0),
      real("amplitude_max", kDefaults.amplitude_max, 0, 0),
      real("noise", kDefaults.noise, 0, 0),
      whole("seed", 0, 0, kSeedMax),
      choice("scaling", kScalings.data()),
      choice("storage", kStorages.data()),
      whole("block_rows", 0, 0, kRowsMaxReal),
      whole("pool_rows", 0, 0, kRowsMaxReal),
  };
  return fields;
}

const Fields& split_fields() {
  static constexpr std::array<const char*, 3> kOrders = {"file", "random", nullptr};
  static const Fields fields = {choice("order", kOrders.data()), whole("seed", 0, 0, kSeedMax)};
  return fields;
}

const Fields& patches_fields() {
  constexpr PatchSpec kDefaults;
  static const Fields fields = {
      whole("rows", 0, 1, kColsMax),  // 0 stands for none.
      whole("cols", 0, 1, kColsMax),
      whole("train_count", kDefaults.train_count, 1, kRowsMaxReal),
      whole("validation_count", kDefaults.validation_count, 0, kRowsMaxReal),
      whole("test_count", kDefaults.test_count, 1, kRowsMaxReal),
      whole("seed", 0, 0, kSeedMax),
  };
  return fields;
}

const Fields& evaluate_fields() {
  constexpr EvaluateSpec kDefaults;
  static const Fields fields = {
      whole("every", kDefaults.every, 1, 1000000),
      real("active_threshold", kDefaults.active_threshold, 0, 0),
  };
  return fields;
}

const Fields& codes_fields() {
  static const CodeEvaluationSpec kDefaults;
  static const Fields fields = {
      whole("queries", kDefaults.queries, 0, kRowsMaxReal),
      whole("database", kDefaults.database, 0, kRowsMaxReal),
      whole("radius", kDefaults.radius, 0, kCodeBitsMax),
  };
  return fields;
}

const Fields& metric_fields() {
  static constexpr std::array<const char*, 3> kGoals = {"minimize", "maximize", nullptr};
  static const Fields fields = {choice("goal", kGoals.data())};
  return fields;
}

const Fields& record_fields() {
  constexpr RecordSpec kDefaults;
  static const Fields fields = {
      whole("samples", kDefaults.samples, 0, 1000000),
      whole("every", kDefaults.every, 1, 1000000),
  };
  return fields;
}

const Fields& best_fields() {
  static const Fields fields = {
      whole("best", 0, 1, static_cast<double>(kTrialsMax))};  // 0 stands for no bound.
  return fields;
}

const Fields& checkpoint_fields() {
  static const Fields fields = {whole("keep", CheckpointSpec().keep, 1, 1000)};
  return fields;
}

const Fields& limits_fields() {
  aesweep_parameter_info failures = real("max_failure_rate", 0, 0, AESWEEP_ABOVE_MINIMUM);
  failures.maximum = 1;  // The default 0 stands for no limit.
  static const Fields fields = {
      whole("max_trials", kTrialsMax, 1, static_cast<double>(kTrialsMax)),
      failures,
  };
  return fields;
}

constexpr std::string_view kSameData =
    "all trials of a run share one data set; run the program once per data set";
constexpr std::string_view kSameMetrics =
    "all trials of a run report the same metrics; write it under evaluate";
constexpr std::string_view kNoEffect = "it does not change a trial's result";
constexpr std::string_view kOfTheRun = "it holds for the run, not for one trial";

constexpr std::array<TopLevelKey, 15> kTopLevel = {{
    {"schema", Content::kValue, true, kOfTheRun, ""},
    {"name", Content::kValue, false, kOfTheRun, ""},
    {"plugins", Content::kOther, false, kOfTheRun, "it is a list of files; write it in the file"},
    {"data", Content::kData, true, kSameData, ""},
    {"model", Content::kModel, true, "", ""},
    {"optimizer", Content::kComponent, true, "", ""},
    {"train", Content::kTrain, false, "", ""},
    {"evaluate", Content::kEvaluate, false, "", ""},
    {"method", Content::kValue, false, kOfTheRun, ""},
    {"metric", Content::kFields, false, kOfTheRun, ""},
    {"parameters", Content::kOther, false, "it is where sweeps are written",
     "name the swept key itself, such as optimizer.lr"},
    {"resources", Content::kFields, false, kNoEffect, ""},
    {"checkpoint", Content::kWordOrFields, false, kNoEffect, ""},
    {"record", Content::kRecord, false, kOfTheRun, ""},
    {"limits", Content::kFields, false, kOfTheRun, ""},
}};

}  // namespace

std::span<const TopLevelKey> top_level_keys() { return kTopLevel; }

const TopLevelKey* find_top_level(std::string_view name) {
  const auto key = std::find_if(kTopLevel.begin(), kTopLevel.end(),
                                [&](const TopLevelKey& k) { return k.name == name; });
  return key == kTopLevel.end() ? nullptr : &*key;
}

std::string not_swept(std::string_view key) {
  constexpr std::string_view kCodes = "evaluate.codes";
  if (is_at_or_below(key, kCodes)) return text(kCodes, " cannot be swept: ", kSameMetrics);
  const TopLevelKey* top = find_top_level(key.substr(0, key.find('.')));
  if (top == nullptr || top->not_swept.empty()) return "";
  return text(top->name, " cannot be swept: ", top->not_swept);
}

std::span<const aesweep_parameter_info> fields_of(std::string_view section) {
  if (section == "train") return train_fields();
  if (section == "train.schedule") return schedule_fields();
  if (section == "train.clip") return clip_fields();
  if (section == "model") return model_fields();
  if (section == "model.init_from") return init_from_fields();
  if (section == "data") return data_fields();
  if (section == "data.split") return split_fields();
  if (section == "data.patches") return patches_fields();
  if (section == "evaluate") return evaluate_fields();
  if (section == "evaluate.codes") return codes_fields();
  if (section == "metric") return metric_fields();
  if (section == "record") return record_fields();
  if (section == "record.weights") return best_fields();
  if (section == "checkpoint") return checkpoint_fields();
  if (section == "limits") return limits_fields();
  return {};
}

std::vector<std::string> section_keys(std::string_view section) {
  std::vector<std::string> keys = names_of(fields_of(section));
  if (section == "train") keys.insert(keys.end(), {"schedule", "clip"});
  if (section == "data") {
    keys.insert(keys.begin() + 1, {"path", "labels", "test_path", "test_labels"});
    keys.insert(keys.end(), {"split", "patches"});
  }
  if (section == "model.init_from") {
    keys.insert(keys.begin(), "path");
    keys.emplace_back("layers");
  }
  if (section == "data.split") keys.insert(keys.begin(), {"train", "validation", "test"});
  if (section == "evaluate") keys.emplace_back("codes");
  if (section == "evaluate.codes") keys.insert(keys.begin(), "binarize");
  if (section == "metric") keys.insert(keys.begin(), "name");
  if (section == "resources") keys.emplace_back("ranks_per_trial");
  if (section == "checkpoint") keys.insert(keys.begin(), "every");
  if (section == "record") keys.insert(keys.begin(), "weights");
  if (section == "limits") keys.insert(keys.begin() + 1, {"max_time", "max_trial_time", "stall"});
  return keys;
}

std::span<const std::string> model_keys() {
  static const std::vector<std::string> keys = {"scalar",    "code", "target", "classes",
                                                "init_from", "loss", "layers"};
  return keys;
}

std::span<const std::string> layer_keys() {
  static const std::vector<std::string> keys = {"name",         "kind",      "activation",
                                                "regularizers", "quantizer", "optimizer"};
  return keys;
}

std::span<const std::string> layer_optimizer_keys() {
  static const std::vector<std::string> keys = {"kind", "on"};
  return keys;
}

std::span<const std::string> regularizer_keys() {
  static const std::vector<std::string> keys = {"name", "kind", "on"};
  return keys;
}

std::span<const std::string> axis_keys() {
  static const std::vector<std::string> keys = {"values", "min", "max", "count", "log"};
  return keys;
}

std::vector<std::string> names_of(std::span<const aesweep_parameter_info> fields) {
  std::vector<std::string> names;
  for (const aesweep_parameter_info& field : fields) names.emplace_back(field.name);
  return names;
}

std::vector<std::string> accepted_keys() {
  std::vector<std::string> keys;
  const auto add = [&](std::string_view prefix, std::span<const std::string> names) {
    for (const std::string& name : names) keys.push_back(text(prefix, '.', name));
  };
  for (const TopLevelKey& key : top_level_keys()) {
    keys.emplace_back(key.name);
    const bool is_section = key.content != Content::kValue && key.content != Content::kModel &&
                            key.content != Content::kComponent && key.content != Content::kOther;
    if (is_section) add(key.name, section_keys(key.name));
  }
  for (const char* section : {"data.split", "data.patches", "model.init_from", "train.schedule",
                              "train.clip", "evaluate.codes", "record.weights"})
    add(section, section_keys(section));
  add("model", model_keys());
  add("model.layers.NAME", layer_keys());
  keys.emplace_back("model.layers.NAME.optimizer.on");
  add("model.layers.NAME.regularizers.NAME", regularizer_keys());
  add("parameters.KEY", axis_keys());
  keys.emplace_back("parameters.KEY.values.label");
  return keys;
}

}  // namespace aesweep
