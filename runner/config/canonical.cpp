#include "runner/config/canonical.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/base/text.hpp"
#include "runner/config/codes_reader.hpp"
#include "runner/config/data_reader.hpp"
#include "runner/config/number.hpp"
#include "runner/config/schedule_reader.hpp"
#include "runner/config/schema.hpp"

namespace aesweep {
namespace {

// Words that no reader of YAML takes for anything but text.
bool is_plain_word(std::string_view word) {
  constexpr std::array<std::string_view, 9> kOtherTypes = {"true", "false", "yes", "no", "on",
                                                           "off",  "null",  "y",   "n"};
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  if (word.empty() || !letter(word[0])) return false;
  if (std::find(kOtherTypes.begin(), kOtherTypes.end(), word) != kOtherTypes.end()) return false;
  return std::all_of(word.begin(), word.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

std::string quoted(std::string_view word) {
  std::string quoted = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

// With a point, since YAML 1.1 readers take 1e-4 for a text.
std::string real(double value) {
  std::string digits = format_real(value);
  if (digits.find('.') != std::string::npos) return digits;
  return digits.insert(std::min(digits.find('e'), digits.size()), ".0");
}

struct Writer {
  std::string out;

  void line(int indent, std::string_view key, std::string_view value) {
    out.append(static_cast<std::size_t>(indent), ' ');
    out.append(key).append(value.empty() ? ":" : ": ").append(value).push_back('\n');
  }
  void word(int indent, std::string_view key, std::string_view value) {
    line(indent, key, is_plain_word(value) ? std::string(value) : quoted(value));
  }
  void whole(int indent, std::string_view key, std::int64_t value) {
    line(indent, key, std::to_string(value));
  }
  void flag(int indent, std::string_view key, bool value) {
    line(indent, key, value ? "true" : "false");
  }

  void value(int indent, const NamedParameter& parameter) {
    struct Typed {
      Writer& writer;
      int indent;
      const std::string& key;
      void operator()(bool v) const { writer.flag(indent, key, v); }
      void operator()(std::int64_t v) const { writer.whole(indent, key, v); }
      void operator()(double v) const { writer.line(indent, key, real(v)); }
      void operator()(const std::string& v) const { writer.word(indent, key, v); }
    };
    std::visit(Typed{*this, indent, parameter.first}, parameter.second);
  }

  void component(int indent, const ComponentSpec& spec) {
    word(indent, "kind", spec.name);
    for (const NamedParameter& parameter : spec.parameters) value(indent, parameter);
  }

  void layer(const LayerSpec& spec) {
    word(4, "- name", spec.name);
    component(6, spec.layer);
    if (spec.activation) {
      line(6, "activation", "");
      component(8, *spec.activation);
    }
    if (!spec.regularizers.empty()) line(6, "regularizers", "");
    for (const RegularizerSpec& regularizer : spec.regularizers) {
      word(8, "- name", regularizer.name);
      line(10, "on", regularizer.on == RegularizerTarget::kWeights ? "weights" : "activations");
      component(10, regularizer.component);
    }
    if (spec.quantizer) {
      line(6, "quantizer", "");
      component(8, *spec.quantizer);
    }
    if (spec.optimizer) {
      line(6, "optimizer", "");
      line(8, "on", spec.optimizer->on == OptimizerTarget::kQuantized ? "quantized" : "all");
      component(8, spec.optimizer->component);
    }
  }

  // The keys that the kind has.
  void schedule(const ScheduleSpec& spec) {
    line(2, "schedule", "");
    line(4, "kind", schedule_kind_name(spec.kind));
    if (has_final_factor(spec.kind)) {
      line(4, "per", spec.per == SchedulePer::kEpoch ? "epoch" : "step");
      line(4, "final_factor", real(spec.final_factor));
    }
    if (spec.kind == ScheduleKind::kStep) {
      whole(4, "every_epochs", spec.every_epochs);
      line(4, "factor", real(spec.factor));
    }
    whole(4, "warmup_steps", spec.warmup_steps);
  }

  void train(const TrainSpec& spec) {
    line(0, "train", "");
    whole(2, "epochs", spec.epochs);
    whole(2, "batch_rows", spec.batch_rows);
    whole(2, "shard_rows", spec.shard_rows);
    line(2, "seed", std::to_string(spec.seed));
    flag(2, "shuffle", spec.shuffle);
    flag(2, "reproducible", spec.reproducible);
    schedule(spec.schedule);
    line(2, "clip", "");
    line(4, "norm", real(spec.clip.norm));
    line(4, "value", real(spec.clip.value));
  }

  // A digest stands for the weights: where they lie decides nothing.
  void init_from(const GivenWeights& given) {
    line(2, "init_from", "");
    line(4, "sha256", quoted(given.sha256));
    if (!given.layers.empty()) line(4, "layers", "");
    for (const LayerSource& source : given.layers) word(6, source.layer, source.from);
  }

  void evaluate(const EvaluateSpec& spec) {
    line(0, "evaluate", "");
    whole(2, "every", spec.every);
    line(2, "active_threshold", real(spec.active_threshold));
    if (!spec.codes) return;
    line(2, "codes", "");
    std::string kinds;
    for (const Binarization kind : spec.codes->binarize) {
      kinds.append(kinds.empty() ? "" : ", ").append(binarization_word(kind));
    }
    line(4, "binarize", "[" + kinds + "]");
    whole(4, "queries", spec.codes->queries);
    whole(4, "database", spec.codes->database);
    whole(4, "radius", spec.codes->radius);
  }

  void split_part(const char* key, const std::optional<SplitPart>& part) {
    if (!part) return;
    line(4, key,
         part->by_index ? text("[", part->first, ", ", part->last, "]") : real(part->fraction));
  }

  // What is not there is left out, so that texts from before there was such a thing stay.
  void files(const DataSpec& spec) {
    const SplitSpec& split = spec.split;
    if (split.train || split.validation || split.test) {
      line(2, "split", "");
      split_part("train", split.train);
      split_part("validation", split.validation);
      split_part("test", split.test);
      line(4, "order", split.random ? "random" : "file");
      if (split.random) line(4, "seed", std::to_string(split.seed));
    }
    if (spec.scaling != Scaling::kAuto) line(2, "scaling", scaling_name(spec.scaling));
    const PatchSpec& patches = spec.patches;
    if (patches.rows > 0) {
      line(2, "patches", "");
      whole(4, "rows", patches.rows);
      whole(4, "cols", patches.cols);
      whole(4, "train_count", patches.train_count);
      whole(4, "validation_count", patches.validation_count);
      whole(4, "test_count", patches.test_count);
      line(4, "seed", std::to_string(patches.seed));
    }
    // Blocks and pools decide the order of the samples; where they are in memory or not, nothing.
    // Without a number they are chosen by the storage.
    const bool chosen = spec.block_rows == 0 || spec.pool_rows == 0;
    if (spec.storage == Storage::kStream && chosen) line(2, "storage", "stream");
    if (spec.block_rows > 0) whole(2, "block_rows", spec.block_rows);
    if (spec.pool_rows > 0) whole(2, "pool_rows", spec.pool_rows);
  }

  void data(const DataSpec& spec) {
    line(0, "data", "");
    line(2, "source", data_source_name(spec.source));
    whole(2, "limit", spec.limit);
    if (spec.source != DataSpec::Source::kSuperposition) return files(spec);
    const SuperpositionSpec& source = spec.superposition;
    whole(2, "train_rows", source.train_rows);
    whole(2, "test_rows", source.test_rows);
    whole(2, "cols", source.cols);
    whole(2, "atoms", source.atoms);
    line(2, "active_mean", real(source.active_mean));
    line(2, "amplitude_min", real(source.amplitude_min));
    line(2, "amplitude_max", real(source.amplitude_max));
    line(2, "noise", real(source.noise));
    line(2, "seed", std::to_string(source.seed));
  }
};

}  // namespace

std::string canonical_text(const TrialSpec& trial, const DataSpec& data) {
  Writer writer;
  writer.whole(0, "schema", kSchemaVersion);
  writer.data(data);
  writer.line(0, "model", "");
  writer.line(2, "scalar", trial.model.scalar == Scalar::kF64 ? "f64" : "f32");
  writer.word(2, "code", trial.model.code);
  const bool by_label = trial.model.target == Target::kLabels;
  writer.line(2, "target", by_label ? "labels" : "input");
  if (by_label) writer.whole(2, "classes", trial.model.classes);
  if (trial.model.given_weights) writer.init_from(*trial.model.given_weights);
  writer.line(2, "loss", "");
  writer.component(4, trial.model.loss);
  writer.line(2, "layers", "");
  for (const LayerSpec& layer : trial.model.layers) writer.layer(layer);
  writer.line(0, "optimizer", "");
  writer.component(2, trial.optimizer);
  writer.train(trial.train);
  writer.evaluate(trial.evaluate);
  writer.line(0, "record", "");
  writer.line(2, "weights", trial.record.weights ? "all" : "none");
  writer.whole(2, "samples", trial.record.samples);
  writer.whole(2, "every", trial.record.every);
  return std::move(writer.out);
}

}  // namespace aesweep
