// Layout of a trial's file, version 1.0:
//   attributes of /        format "aesweep-trial", format_version
//
//   /summary      table of one row: number, key, seed, label, status, status_code, epochs, steps
//   /parameters   table: name, type (0 bool, 1 integer, 2 real, 3 text), one column per type
//   /metrics      table: name, unit, formula
//   /history      table: epoch, step, metric (row of /metrics), value
//   /trial        config, reason (unless empty), weights_initial/*, weights_final/*,
//                 input_scale and input_shift (each unless empty), samples/*
#include "runner/store/trial_file.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "core/base/text.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/image_file.hpp"
#include "runner/store/names.hpp"

namespace aesweep {
namespace {

using h5::CellType;
using h5::Column;
using h5::Table;

constexpr const char* kTrialObjects = "trial";  // The group that results.h5 copies.
constexpr const char* kFormat = "aesweep-trial";
constexpr const char* kFormatVersion = "1.0";

// Codes are positions, and part of the public format: entries are added at the end only.
constexpr std::array kOutcomes = {Outcome::kCompleted, Outcome::kDiverged, Outcome::kFailed,
                                  Outcome::kPruned};

std::size_t outcome_code(Outcome outcome) {
  const auto found = std::find(kOutcomes.begin(), kOutcomes.end(), outcome);
  AESWEEP_CHECK(found != kOutcomes.end(), "an outcome without a code in the results format");
  return static_cast<std::size_t>(found - kOutcomes.begin());
}

const Column kText{"", CellType::kText, 1};

// Column numbers follow the order of these lists.
std::vector<Column> named(std::vector<Column> columns, std::span<const char* const> names) {
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i].name = names[i];
  return columns;
}

enum SummaryColumn { kNumber, kKey, kSeed, kLabel, kStatus, kStatusCode, kEpochs, kSteps };
std::vector<Column> summary_columns() {
  static constexpr const char* kNames[] = {"number", "key",         "seed",   "label",
                                           "status", "status_code", "epochs", "steps"};
  const Column integer{"", CellType::kI8};
  return named({integer, kText, {"", CellType::kU8}, kText, kText, integer, integer, integer},
               kNames);
}

enum ParameterColumn { kName, kType, kInteger, kReal, kTextValue };
std::vector<Column> parameter_columns() {
  static constexpr const char* kNames[] = {"name", "type", "integer", "real", "text"};
  return named({kText, {"", CellType::kU1}, {"", CellType::kI8}, {"", CellType::kF8}, kText},
               kNames);
}

enum MetricColumn { kMetricName, kUnit, kFormula };
std::vector<Column> metric_columns() {
  static constexpr const char* kNames[] = {"name", "unit", "formula"};
  return named({kText, kText, kText}, kNames);
}

enum HistoryColumn { kEpoch, kStep, kMetric, kValue };
std::vector<Column> history_columns() {
  static constexpr const char* kNames[] = {"epoch", "step", "metric", "value"};
  const Column integer{"", CellType::kI8};
  return named({integer, integer, {"", CellType::kI4}, {"", CellType::kF8}}, kNames);
}

// Widens a text column to hold the value.
void fit(Column& column, std::string_view value) {
  column.text_bytes = std::max(column.text_bytes, value.size());
  column.ascii = column.ascii && h5::is_ascii(value);
}

Status write_summary(const h5::Node& file, const TrialRecord& record) {
  const TrialResult& result = *record.result;
  const std::size_t code = outcome_code(result.outcome);
  const char* status = outcome_name(result.outcome);
  std::vector<Column> columns = summary_columns();
  fit(columns[kKey], record.key);
  fit(columns[kLabel], record.label);
  fit(columns[kStatus], status);
  Table table(std::move(columns));
  table.resize(1);
  table.set_integer(0, kNumber, record.number);
  table.set_text(0, kKey, record.key);
  table.set_unsigned(0, kSeed, record.seed);
  table.set_text(0, kLabel, record.label);
  table.set_text(0, kStatus, status);
  table.set_integer(0, kStatusCode, static_cast<std::int64_t>(code));
  table.set_integer(0, kEpochs, result.epochs);
  table.set_integer(0, kSteps, result.steps);
  return h5::write_table(file, "summary", table);
}

Status write_parameters(const h5::Node& file, const std::vector<NamedParameter>& parameters) {
  NameSet names("parameter");
  std::vector<Column> columns = parameter_columns();
  for (const auto& [name, value] : parameters) {
    AESWEEP_RETURN_IF_ERROR(names.add(stored_name(name), name));
    fit(columns[kName], name);
    if (const auto* words = std::get_if<std::string>(&value)) fit(columns[kTextValue], *words);
  }
  Table table(std::move(columns));
  table.resize(parameters.size());
  for (std::size_t row = 0; row < parameters.size(); ++row) {
    const ParameterValue& value = parameters[row].second;
    table.set_text(row, kName, parameters[row].first);
    table.set_integer(row, kType, static_cast<std::int64_t>(value.index()));
    if (const auto* flag = std::get_if<bool>(&value))
      table.set_integer(row, kInteger, *flag ? 1 : 0);
    if (const auto* i = std::get_if<std::int64_t>(&value)) table.set_integer(row, kInteger, *i);
    if (const auto* real = std::get_if<double>(&value)) table.set_real(row, kReal, *real);
    if (const auto* words = std::get_if<std::string>(&value))
      table.set_text(row, kTextValue, *words);
  }
  return h5::write_table(file, "parameters", table);
}

Status write_metrics(const h5::Node& file, const std::vector<MetricInfo>& metrics) {
  NameSet names("metric");
  std::vector<Column> columns = metric_columns();
  for (const MetricInfo& metric : metrics) {
    AESWEEP_RETURN_IF_ERROR(names.add(stored_name(metric.name), metric.name));
    fit(columns[kMetricName], metric.name);
    fit(columns[kUnit], metric.unit);
    fit(columns[kFormula], metric.formula);
  }
  Table table(std::move(columns));
  table.resize(metrics.size());
  for (std::size_t row = 0; row < metrics.size(); ++row) {
    table.set_text(row, kMetricName, metrics[row].name);
    table.set_text(row, kUnit, metrics[row].unit);
    table.set_text(row, kFormula, metrics[row].formula);
  }
  return h5::write_table(file, "metrics", table);
}

Status write_history(const h5::Node& file, const TrialResult& result) {
  Table table(history_columns());
  table.resize(result.history.size());
  for (std::size_t row = 0; row < result.history.size(); ++row) {
    const HistoryRow& entry = result.history[row];
    AESWEEP_CHECK(
        entry.metric >= 0 && static_cast<std::size_t>(entry.metric) < result.metrics.size(),
        text("history row ", row, " names metric ", entry.metric, ", which is not there"));
    table.set_integer(row, kEpoch, entry.epoch);
    table.set_integer(row, kStep, entry.step);
    table.set_integer(row, kMetric, entry.metric);
    table.set_real(row, kValue, entry.value);
  }
  return h5::write_table(file, "history", table);
}

Column cell_of(Scalar scalar) {
  return {"", scalar == Scalar::kF32 ? CellType::kF4 : CellType::kF8};
}

// A group of tensors and, for samples, labels; no group where there is nothing to keep.
Status write_tensors(const h5::Node& parent, const std::string& name,
                     const std::vector<NamedTensor>& tensors,
                     const std::vector<std::int32_t>& labels) {
  if (tensors.empty() && labels.empty()) return {};
  Result<h5::Node> group = h5::create_group(parent, name);
  if (!group.ok()) return group.status();
  NameSet names("tensor");
  if (!labels.empty()) names.reserve("labels");
  for (const NamedTensor& tensor : tensors) {
    const std::string stored = stored_name(tensor.name);
    AESWEEP_RETURN_IF_ERROR(names.add(stored, tensor.name));
    AESWEEP_RETURN_IF_ERROR(
        h5::write_array(*group, stored, cell_of(tensor.scalar), tensor.shape, tensor.bytes));
  }
  if (labels.empty()) return {};
  const std::int64_t shape[] = {static_cast<std::int64_t>(labels.size())};
  return h5::write_array(*group, "labels", {"", CellType::kI4}, shape,
                         std::as_bytes(std::span(labels)));
}

// Of each column of the input, or one for all; nothing where there is none to keep.
Status write_scaling(const h5::Node& group, const TrialResult& result) {
  const std::pair<const char*, const std::vector<double>*> arrays[] = {
      {"input_scale", &result.input_scale}, {"input_shift", &result.input_shift}};
  for (const auto& [name, values] : arrays) {
    if (values->empty()) continue;
    const std::int64_t shape[] = {static_cast<std::int64_t>(values->size())};
    AESWEEP_RETURN_IF_ERROR(h5::write_array(group, name, {"", CellType::kF8}, shape,
                                            std::as_bytes(std::span(*values))));
  }
  return {};
}

Status write_objects(const h5::Node& file, const TrialRecord& record) {
  const TrialResult& result = *record.result;
  Result<h5::Node> group = h5::create_group(file, kTrialObjects);
  if (!group.ok()) return group.status();
  AESWEEP_RETURN_IF_ERROR(h5::write_text(*group, "config", record.config));
  if (!result.reason.empty()) {
    AESWEEP_RETURN_IF_ERROR(h5::write_text(*group, "reason", result.reason));
  }
  AESWEEP_RETURN_IF_ERROR(write_tensors(*group, "weights_initial", result.weights_initial, {}));
  AESWEEP_RETURN_IF_ERROR(write_tensors(*group, "weights_final", result.weights_final, {}));
  AESWEEP_RETURN_IF_ERROR(write_scaling(*group, result));
  return write_tensors(*group, "samples", result.samples, result.sample_labels);
}

Status write_contents(const h5::Node& file, const TrialRecord& record) {
  AESWEEP_RETURN_IF_ERROR(h5::set_attribute(file, ".", "format", kFormat));
  AESWEEP_RETURN_IF_ERROR(h5::set_attribute(file, ".", "format_version", kFormatVersion));
  AESWEEP_RETURN_IF_ERROR(write_summary(file, record));
  AESWEEP_RETURN_IF_ERROR(write_parameters(file, record.parameters));
  AESWEEP_RETURN_IF_ERROR(write_metrics(file, record.result->metrics));
  AESWEEP_RETURN_IF_ERROR(write_history(file, *record.result));
  return write_objects(file, record);
}

// About the file's size: its contents, and room for headers.
std::uint64_t estimated_bytes(const TrialRecord& record) {
  const TrialResult& result = *record.result;
  std::uint64_t bytes = (std::uint64_t{64} << 10) + record.config.size() + result.reason.size();
  bytes += result.history.size() * 32 + result.sample_labels.size() * 4;
  bytes += (result.input_scale.size() + result.input_shift.size()) * 8;
  for (const auto* tensors : {&result.weights_initial, &result.weights_final, &result.samples}) {
    for (const NamedTensor& tensor : *tensors) bytes += tensor.bytes.size() + 1024;
  }
  return bytes;
}

Result<std::vector<NamedParameter>> read_parameters(const h5::Node& file) {
  Result<Table> table = h5::read_table(file, "parameters", parameter_columns());
  if (!table.ok()) return table.status();
  std::vector<NamedParameter> parameters;
  for (std::size_t row = 0; row < table->rows(); ++row) {
    ParameterValue value;
    switch (table->integer(row, kType)) {
      case 0:
        value = table->integer(row, kInteger) != 0;
        break;
      case 1:
        value = table->integer(row, kInteger);
        break;
      case 2:
        value = table->real(row, kReal);
        break;
      default:
        value = std::string(table->text(row, kTextValue));
    }
    parameters.emplace_back(std::string(table->text(row, kName)), std::move(value));
  }
  return parameters;
}

Status read_history(OpenedTrial& trial) {
  Result<Table> metrics = h5::read_table(trial.file, "metrics", metric_columns());
  if (!metrics.ok()) return metrics.status();
  for (std::size_t row = 0; row < metrics->rows(); ++row) {
    trial.metrics.push_back({std::string(metrics->text(row, kMetricName)),
                             std::string(metrics->text(row, kUnit)),
                             std::string(metrics->text(row, kFormula))});
  }
  Result<Table> history = h5::read_table(trial.file, "history", history_columns());
  if (!history.ok()) return history.status();
  for (std::size_t row = 0; row < history->rows(); ++row) {
    const std::int64_t metric = history->integer(row, kMetric);
    if (metric < 0 || static_cast<std::size_t>(metric) >= trial.metrics.size()) {
      return Status::world(text(trial.file.where, ": damaged: history row ", row, " names metric ",
                                metric, " of ", trial.metrics.size()));
    }
    trial.history.push_back({history->integer(row, kEpoch), history->integer(row, kStep),
                             static_cast<std::int32_t>(metric), history->real(row, kValue)});
  }
  return {};
}

Status read_summary(OpenedTrial& trial) {
  Result<Table> table = h5::read_table(trial.file, "summary", summary_columns());
  if (!table.ok()) return table.status();
  if (table->rows() != 1) {
    return Status::world(
        text(trial.file.where, ": damaged: its summary has ", table->rows(), " rows"));
  }
  trial.number = table->integer(0, kNumber);
  trial.key = table->text(0, kKey);
  trial.seed = table->unsigned_integer(0, kSeed);
  trial.label = table->text(0, kLabel);
  trial.status = table->text(0, kStatus);
  trial.status_code = table->integer(0, kStatusCode);
  trial.epochs = table->integer(0, kEpochs);
  trial.steps = table->integer(0, kSteps);
  Result<std::string> config = h5::read_text(trial.file, text(kTrialObjects, "/config"));
  if (!config.ok()) return config.status();
  trial.config = std::move(*config);
  const std::string reason = text(kTrialObjects, "/reason");
  Result<bool> has_reason = h5::has(trial.file, reason);
  if (!has_reason.ok()) return has_reason.status();
  if (!*has_reason) return {};
  Result<std::string> words = h5::read_text(trial.file, reason);
  if (!words.ok()) return words.status();
  trial.reason = std::move(*words);
  return {};
}

H5Contents contents_of(const TrialRecord& record) {
  AESWEEP_CHECK(record.result != nullptr, "a trial's record without its result");
  return [&record](const h5::Node& file) {
    return write_contents(file, record).in(text("trial ", record.number));
  };
}

}  // namespace

std::string trial_file_name(std::int64_t number, int attempt) {
  return text(trial_name(number), ".", attempt, ".h5");
}

Result<std::vector<std::byte>> trial_image(const TrialRecord& record) {
  return h5_image(text("the image of trial ", record.number), estimated_bytes(record),
                  contents_of(record));
}

Result<FileFacts> write_trial(const std::string& path, const TrialRecord& record,
                              std::uint64_t image_bytes_max) {
  return create_h5(path, estimated_bytes(record), image_bytes_max, contents_of(record));
}

Result<OpenedTrial> open_trial(ByteSink& image, const std::string& name) {
  Result<h5::Node> file = h5::open_image(image, name);
  if (!file.ok()) return file.status();
  OpenedTrial trial;
  trial.file = std::move(*file);
  AESWEEP_RETURN_IF_ERROR(h5::check_format(trial.file, "a trial's file", kFormat, kFormatVersion));
  AESWEEP_RETURN_IF_ERROR(read_summary(trial));
  Result<std::vector<NamedParameter>> parameters = read_parameters(trial.file);
  if (!parameters.ok()) return parameters.status();
  trial.parameters = std::move(*parameters);
  AESWEEP_RETURN_IF_ERROR(read_history(trial));
  if (image.error() != 0) return Status::world(name + ": cannot be read to its end");
  return trial;
}

Status copy_trial_objects(const h5::Node& file, bool weights, const h5::Node& to,
                          const std::string& name) {
  Result<h5::Node> from = h5::open_group(file, kTrialObjects);
  if (!from.ok()) return from.status();
  Result<h5::Node> group = h5::create_group(to, name);
  if (!group.ok()) return group.status();
  for (const std::string object : {"config", "reason", "weights_initial", "weights_final",
                                   "input_scale", "input_shift", "samples"}) {
    // The scaling is there to use the weights with.
    const bool of_weights = object.starts_with("weights_") || object.starts_with("input_");
    if (!weights && of_weights) continue;
    Result<bool> there = h5::has(*from, object);
    if (!there.ok()) return there.status();
    if (*there) AESWEEP_RETURN_IF_ERROR(h5::copy(*from, object, *group, object));
  }
  return {};
}

Result<std::vector<std::byte>> trial_without_weights(ByteSink& image, const std::string& name) {
  return h5_image(name, image.size(), [&](const h5::Node& to) -> Status {
    Result<h5::Node> from = h5::open_image(image, name);
    if (!from.ok()) return from.status();
    AESWEEP_RETURN_IF_ERROR(h5::check_format(*from, "a trial's file", kFormat, kFormatVersion));
    AESWEEP_RETURN_IF_ERROR(h5::set_attribute(to, ".", "format", kFormat));
    AESWEEP_RETURN_IF_ERROR(h5::set_attribute(to, ".", "format_version", kFormatVersion));
    for (const char* table : {"summary", "parameters", "metrics", "history"}) {
      AESWEEP_RETURN_IF_ERROR(h5::copy(*from, table, to, table));
    }
    AESWEEP_RETURN_IF_ERROR(copy_trial_objects(*from, false, to, kTrialObjects));
    return image.error() == 0 ? Status() : Status::world(name + ": cannot be read to its end");
  });
}

}  // namespace aesweep
