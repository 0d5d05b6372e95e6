#include "runner/config/resolve.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/train/code_evaluation.hpp"
#include "core/train/metrics.hpp"
#include "runner/config/codes_reader.hpp"
#include "runner/config/fields.hpp"
#include "runner/config/schedule_reader.hpp"
#include "runner/config/schema.hpp"

namespace aesweep {
namespace {

using Names = std::span<const std::string>;

// --- Model and optimizer ---

class ModelReader {
 public:
  ModelReader(const std::string& file, FieldReader& fields, const Catalogue& catalogue)
      : file_(file), fields_(fields), catalogue_(catalogue) {}

  [[nodiscard]] Result<ModelSpec> read(const Node& model) {
    ModelSpec spec;
    AESWEEP_RETURN_IF_ERROR(read_fields(model, spec));
    AESWEEP_RETURN_IF_ERROR(read_required(AESWEEP_LOSS, model, "model", "loss", spec.loss));
    const Node& layers = *find(model, "layers");
    for (const Node& item : layers.items) {
      LayerSpec layer;
      AESWEEP_RETURN_IF_ERROR(read_layer(item, layer));
      spec.layers.push_back(std::move(layer));
    }
    AESWEEP_RETURN_IF_ERROR(read_code(model, spec));
    return spec;
  }

  // A component under a key that has to be there.
  [[nodiscard]] Status read_required(aesweep_kind kind, const Node& map, const std::string& path,
                                     const std::string& key, ComponentSpec& spec) {
    const Node* node = find(map, key);
    if (node != nullptr) return read_component(kind, *node, joined(path, key), {}, spec);
    return fault_at(file_, map.mark, joined(path, key),
                    text("missing; expected the name of ", article(kind)));
  }

 private:
  [[nodiscard]] Status read_fields(const Node& model, ModelSpec& spec) {
    Result<std::vector<NamedParameter>> fields =
        fields_.read({&model, model.mark, "model", "", model_keys()}, fields_of("model"));
    if (!fields.ok()) return fields.status();
    const bool by_label = value_of<std::string>(*fields, "target") == "labels";
    spec.scalar = value_of<std::string>(*fields, "scalar") == "f64" ? Scalar::kF64 : Scalar::kF32;
    spec.target = by_label ? Target::kLabels : Target::kInput;
    spec.classes = value_of<std::int64_t>(*fields, "classes");
    if (by_label && spec.classes == 0) {
      return fault_at(file_, find(model, "target")->mark, "model.classes",
                      "missing; target labels needs the number of classes");
    }
    if (!by_label && spec.classes != 0) {
      return fault_at(file_, find(model, "classes")->mark, "model.classes",
                      "target input has no such key; add target: labels or leave it out");
    }
    return {};
  }

  [[nodiscard]] static std::string article(aesweep_kind kind) {
    const std::string_view name = kind_name(kind);
    const bool vowel = name.front() == 'a' || name.front() == 'o';
    return text(vowel ? "an " : "a ", name);
  }

  [[nodiscard]] Result<const aesweep_component*> find_component(aesweep_kind kind, const Node& name,
                                                                const std::string& path) const {
    if (name.kind != NodeKind::kScalar) {
      return fault_at(file_, name.mark, path,
                      text("found ", found(name), ", expected the name of ", article(kind)));
    }
    if (const CatalogueEntry* entry = catalogue_.find(kind, name.text)) return &entry->component;
    std::vector<std::string> known;
    for (const CatalogueEntry& entry : catalogue_.entries()) {
      if (entry.component.kind == static_cast<std::uint32_t>(kind)) {
        known.emplace_back(entry.component.name);
      }
    }
    std::string listed;
    for (const std::string& other : known) listed += (listed.empty() ? "" : ", ") + other;
    const std::string near = name.text.size() > 128 ? "" : did_you_mean(name.text, known);
    return fault_at(file_, name.mark, path,
                    text("unknown ", kind_name(kind), " ", found(name), near,
                         known.empty() ? "; none is loaded" : "; known: " + listed));
  }

  // `node` is a name, or a map with kind, parameters and `reserved` keys.
  [[nodiscard]] Status read_component(aesweep_kind kind, const Node& node, const std::string& path,
                                      Names reserved, ComponentSpec& spec) {
    static const std::vector<std::string> kKindOnly = {"kind"};
    const bool is_map = node.kind == NodeKind::kMap;
    const Node* name = is_map ? find(node, "kind") : &node;
    if (name == nullptr) {
      return fault_at(file_, node.mark, joined(path, "kind"),
                      text("missing; expected the name of ", article(kind)));
    }
    const std::string name_path = is_map ? joined(path, "kind") : path;
    Result<const aesweep_component*> component = find_component(kind, *name, name_path);
    if (!component.ok()) return component.status();
    const std::span infos((*component)->parameters, (*component)->parameter_count);
    Result<std::vector<NamedParameter>> parameters =
        fields_.read({is_map ? &node : nullptr, node.mark, path, name->text,
                      reserved.empty() ? Names(kKindOnly) : reserved},
                     infos);
    if (!parameters.ok()) return parameters.status();
    spec.name = name->text;
    spec.parameters = std::move(parameters).value();
    return {};
  }

  // "none" takes away what a layer would have without it.
  [[nodiscard]] Status read_optional(aesweep_kind kind, const Node& layer, const std::string& path,
                                     const std::string& key, std::optional<ComponentSpec>& spec) {
    const Node* node = find(layer, key);
    if (node == nullptr || (node->kind == NodeKind::kScalar && node->text == "none")) return {};
    return read_component(kind, *node, joined(path, key), {}, spec.emplace());
  }

  [[nodiscard]] Status read_layer(const Node& item, LayerSpec& layer) {
    layer.name = find(item, "name")->text;
    const std::string path = "model.layers." + layer.name;
    AESWEEP_RETURN_IF_ERROR(read_component(AESWEEP_LAYER, item, path, layer_keys(), layer.layer));
    AESWEEP_RETURN_IF_ERROR(
        read_optional(AESWEEP_ACTIVATION, item, path, "activation", layer.activation));
    AESWEEP_RETURN_IF_ERROR(
        read_optional(AESWEEP_QUANTIZER, item, path, "quantizer", layer.quantizer));
    AESWEEP_RETURN_IF_ERROR(read_optimizer(item, path, layer));
    const Node* regularizers = find(item, "regularizers");
    if (regularizers == nullptr) return {};
    for (const Node& regularizer : regularizers->items) {
      RegularizerSpec spec;
      AESWEEP_RETURN_IF_ERROR(read_regularizer(regularizer, path + ".regularizers", spec));
      layer.regularizers.push_back(std::move(spec));
    }
    return {};
  }

  [[nodiscard]] Status read_optimizer(const Node& item, const std::string& layer_path,
                                      LayerSpec& layer) {
    static constexpr std::array<const char*, 3> kTargets = {"all", "quantized", nullptr};
    const Node* node = find(item, "optimizer");
    if (node == nullptr || (node->kind == NodeKind::kScalar && node->text == "none")) return {};
    const std::string path = joined(layer_path, "optimizer");
    LayerOptimizerSpec& own = layer.optimizer.emplace();
    AESWEEP_RETURN_IF_ERROR(
        read_component(AESWEEP_OPTIMIZER, *node, path, layer_optimizer_keys(), own.component));
    const Node* on = node->kind == NodeKind::kMap ? find(*node, "on") : nullptr;
    Result<std::string> target = fields_.read_word(on, joined(path, "on"), kTargets);
    if (!target.ok()) return target.status();
    own.on = *target == "quantized" ? OptimizerTarget::kQuantized : OptimizerTarget::kAll;
    if (own.on == OptimizerTarget::kAll || layer.quantizer) return {};
    return fault_at(file_, on->mark, joined(path, "on"),
                    "the layer has no quantizer; give it one or let the optimizer work on: all");
  }

  [[nodiscard]] Status read_regularizer(const Node& item, const std::string& list,
                                        RegularizerSpec& spec) {
    static constexpr std::array<const char*, 3> kTargets = {"activations", "weights", nullptr};
    spec.name = find(item, "name")->text;
    const std::string path = joined(list, spec.name);
    Result<std::string> on = fields_.read_word(find(item, "on"), joined(path, "on"), kTargets);
    if (!on.ok()) return on.status();
    spec.on = *on == "weights" ? RegularizerTarget::kWeights : RegularizerTarget::kActivations;
    return read_component(AESWEEP_REGULARIZER, item, path, regularizer_keys(), spec.component);
  }

  [[nodiscard]] Status read_code(const Node& model, ModelSpec& spec) const {
    const Node* code = find(model, "code");
    if (code != nullptr && code->kind == NodeKind::kScalar) spec.code = code->text;
    std::vector<std::string> names;
    for (const LayerSpec& layer : spec.layers) names.push_back(layer.name);
    const bool named = code == nullptr || code->kind == NodeKind::kScalar;
    if (named && std::find(names.begin(), names.end(), spec.code) != names.end()) return {};
    if (code == nullptr) {
      return fault_at(
          file_, model.mark, "model.code",
          "missing; no layer is named code, so name the layer whose output is the code" +
              suggestion("", names));
    }
    return fault_at(file_, code->mark, "model.code",
                    text("found ", found(*code), ", expected the name of a layer",
                         suggestion(spec.code, names)));
  }

  const std::string& file_;
  FieldReader& fields_;
  const Catalogue& catalogue_;
};

// --- Sections ---

// Other tools take a bare number here.
Status check_clip(const std::string& file, const Node& document) {
  const Node* train = find(document, "train");
  const Node* clip = train == nullptr ? nullptr : find(*train, "clip");
  if (clip == nullptr || clip->kind != NodeKind::kScalar) return {};
  return fault_at(
      file, clip->mark, "train.clip",
      text("found ", found(*clip), ", expected a map; write {norm: 1.0} or {value: 1.0}"));
}

// The key of a layer's optimizer, in the wrong place.
Status check_optimizer(const std::string& file, const Node& document) {
  const Node* optimizer = find(document, "optimizer");
  const Entry* on = optimizer == nullptr ? nullptr : find_entry(*optimizer, "on");
  if (on == nullptr) return {};
  return fault_at(file, on->mark, "optimizer.on",
                  "belongs to the optimizer of a layer, model.layers.NAME.optimizer; this one "
                  "updates all that those leave");
}

Result<TrainSpec> read_train(const std::string& file, FieldReader& reader, const Node& document) {
  static const std::vector<std::string> kSections = {"schedule", "clip"};
  Result<std::vector<NamedParameter>> fields = reader.read_section(document, "train", kSections);
  if (!fields.ok()) return fields.status();
  AESWEEP_RETURN_IF_ERROR(check_clip(file, document));
  Result<std::vector<NamedParameter>> clip = reader.read_section(document, "train.clip");
  if (!clip.ok()) return clip.status();
  Result<ScheduleSpec> schedule = read_schedule(file, reader, document);
  if (!schedule.ok()) return schedule.status();
  TrainSpec train;
  train.epochs = value_of<std::int64_t>(*fields, "epochs");
  train.batch_rows = value_of<std::int64_t>(*fields, "batch_rows");
  train.shard_rows = value_of<std::int64_t>(*fields, "shard_rows");
  if (train.shard_rows == 0) train.shard_rows = default_shard_rows(train.batch_rows);
  train.seed = static_cast<std::uint64_t>(value_of<std::int64_t>(*fields, "seed"));
  train.shuffle = value_of<bool>(*fields, "shuffle");
  train.reproducible = value_of<bool>(*fields, "reproducible");
  train.schedule = *schedule;
  train.clip = {value_of<double>(*clip, "norm"), value_of<double>(*clip, "value")};
  return train;
}

Result<EvaluateSpec> read_evaluate(const std::string& file, FieldReader& reader,
                                   const Node& document) {
  static const std::vector<std::string> kSections = {"codes"};
  Result<std::vector<NamedParameter>> fields = reader.read_section(document, "evaluate", kSections);
  if (!fields.ok()) return fields.status();
  Result<std::optional<CodeEvaluationSpec>> codes = read_codes(file, reader, document);
  if (!codes.ok()) return codes.status();
  return EvaluateSpec{value_of<std::int64_t>(*fields, "every"),
                      value_of<double>(*fields, "active_threshold"), std::move(codes).value()};
}

}  // namespace

Result<ResolvedTrial> resolve_trial(const std::string& file, const Node& document,
                                    std::span<const Axis> axes, const RecordSpec& record,
                                    const Catalogue& catalogue, InitFromReader& init_from) {
  FieldReader fields(file, axes);
  ModelReader reader(file, fields, catalogue);
  ResolvedTrial trial;
  trial.spec.record = record;
  Result<ModelSpec> model = reader.read(*find(document, "model"));
  if (!model.ok()) return model.status();
  trial.spec.model = std::move(model).value();
  Result<std::optional<GivenWeights>> given =
      init_from.read(*find(document, "model"), trial.spec.model, fields);
  if (!given.ok()) return given.status();
  trial.spec.model.given_weights = std::move(given).value();
  AESWEEP_RETURN_IF_ERROR(check_optimizer(file, document));
  AESWEEP_RETURN_IF_ERROR(
      reader.read_required(AESWEEP_OPTIMIZER, document, "", "optimizer", trial.spec.optimizer));
  Result<TrainSpec> train = read_train(file, fields, document);
  if (!train.ok()) return train.status();
  trial.spec.train = *train;
  Result<EvaluateSpec> evaluate = read_evaluate(file, fields, document);
  if (!evaluate.ok()) return evaluate.status();
  trial.spec.evaluate = *evaluate;
  trial.swept = std::move(fields.swept());
  return trial;
}

namespace {

bool has_labels(const DataSpec& data) {
  return data.source == DataSpec::Source::kIdx || !data.labels.empty();
}

std::string no_labels(const DataSpec& data) {
  return data.source == DataSpec::Source::kFiles
             ? ", but the data has none; give their file as data.labels"
             : ", but data.source superposition has none; use labelled data";
}

bool has_validation(const DataSpec& data) {
  return data.patches.rows > 0 ? data.patches.validation_count > 0
                               : data.split.validation.has_value();
}

}  // namespace

const char* default_metric(const ModelSpec& model) {
  return model.target == Target::kLabels ? "test/error" : "test/mse";
}

Status check_target(const ModelSpec& model, const DataSpec& data) {
  if (model.target == Target::kInput || has_labels(data)) return {};
  return Status::input("is labels" + no_labels(data));
}

Status check_metric(const std::string& metric, const TrialSpec& trial, const DataSpec& data,
                    const Catalogue& catalogue) {
  std::vector<std::string> known;
  for (const char* split : {"train", "validation", "test"}) {
    if (split == std::string_view("validation") && !has_validation(data)) continue;
    for (const MetricInfo& info :
         split_metrics(split, trial.model, catalogue, trial.evaluate.active_threshold)) {
      known.push_back(info.name);
    }
  }
  if (data.source == DataSpec::Source::kSuperposition) known.push_back(recovery_metric().name);
  if (trial.evaluate.codes) {
    for (const MetricInfo& info :
         code_metrics(*trial.evaluate.codes, trial.model.target, has_labels(data))) {
      known.push_back(info.name);
    }
  }
  if (std::find(known.begin(), known.end(), metric) != known.end()) return {};
  if (trial.evaluate.codes && !has_labels(data)) {
    for (const MetricInfo& info : code_metrics(*trial.evaluate.codes, trial.model.target, true)) {
      if (info.name == metric) return Status::input(metric + " needs labels" + no_labels(data));
    }
  }
  return Status::input(text("unknown metric ", metric, suggestion(metric, known)));
}

}  // namespace aesweep
