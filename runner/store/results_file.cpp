#include "runner/store/results_file.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "core/base/text.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/fence.hpp"
#include "runner/store/h5.hpp"
#include "runner/store/image_file.hpp"
#include "runner/store/names.hpp"
#include "runner/store/parameter_column.hpp"
#include "runner/store/segment_file.hpp"
#include "runner/store/trial_file.hpp"
#include "runner/store/verified_file.hpp"

namespace aesweep {
namespace {

using h5::CellType;
using h5::Column;
using h5::Table;
using h5::TextFit;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Widths in /trials; the full texts are elsewhere.
constexpr std::size_t kReasonBytesMax = 256;
constexpr std::size_t kLabelBytesMax = 256;

struct SweepMetric {
  std::string name;
  std::string stored;
  std::vector<std::string> units;     // The distinct ones, in order of trials.
  std::vector<std::string> formulas;  // More than one where a swept parameter is part of it.
};

// All trials in order of their numbers, and what their tables have in common.
struct Sweep {
  std::vector<OpenedTrial> trials;   // Their files are closed.
  std::vector<SweepMetric> metrics;  // In order of first appearance.
  std::vector<ParameterColumn> parameters;
  std::vector<std::string> parameters_stored;
  std::vector<std::int64_t> epochs;  // All that any trial's history has, ascending.

  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(trials.size()); }
};

void add_distinct(std::vector<std::string>& list, const std::string& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

// A formula may hold a swept value and so have one text per trial: an attribute gets the first few.
std::string joined(const std::vector<std::string>& list) {
  constexpr std::size_t kShownMax = 4;
  std::string all;
  for (std::size_t i = 0; i < list.size() && i < kShownMax; ++i) {
    all += (i == 0 ? "" : " | ") + list[i];
  }
  return list.size() <= kShownMax ? all : text(all, " | and ", list.size() - kShownMax, " more");
}

// Replaces each trial's own metric indices by those of the sweep, and sorts its history.
Status merge_metrics(Sweep& sweep) {
  NameSet names("metric");
  for (const char* scale : {"trial", "epoch"}) names.reserve(scale);
  std::map<std::string, std::int32_t> index;
  std::set<std::int64_t> epochs;
  for (OpenedTrial& trial : sweep.trials) {
    std::vector<std::int32_t> to_sweep;
    for (const MetricInfo& metric : trial.metrics) {
      const auto [entry, fresh] =
          index.emplace(metric.name, static_cast<std::int32_t>(sweep.metrics.size()));
      if (fresh) {
        sweep.metrics.push_back({metric.name, stored_name(metric.name), {}, {}});
        AESWEEP_RETURN_IF_ERROR(names.add(sweep.metrics.back().stored, metric.name));
      }
      SweepMetric& merged = sweep.metrics[static_cast<std::size_t>(entry->second)];
      add_distinct(merged.units, metric.unit);
      add_distinct(merged.formulas, metric.formula);
      to_sweep.push_back(entry->second);
    }
    for (HistoryRow& row : trial.history) {
      row.metric = to_sweep[static_cast<std::size_t>(row.metric)];
      epochs.insert(row.epoch);
    }
    std::stable_sort(trial.history.begin(), trial.history.end(),
                     [](const HistoryRow& a, const HistoryRow& b) {
                       return std::pair(a.epoch, a.metric) < std::pair(b.epoch, b.metric);
                     });
  }
  sweep.epochs.assign(epochs.begin(), epochs.end());
  return {};
}

Status merge_parameters(Sweep& sweep) {
  NameSet names("parameter");
  std::map<std::string, std::size_t> index;
  for (std::size_t row = 0; row < sweep.trials.size(); ++row) {
    for (auto& [name, value] : sweep.trials[row].parameters) {
      const auto [entry, fresh] = index.emplace(name, sweep.parameters.size());
      if (fresh) {
        sweep.parameters.emplace_back(name);
        sweep.parameters_stored.push_back(stored_name(name));
        AESWEEP_RETURN_IF_ERROR(names.add(sweep.parameters_stored.back(), name));
      }
      sweep.parameters[entry->second].add(row, std::move(value));
    }
  }
  return {};
}

// --- The parts of the file, in the order in which they are written
// ---------------------------------

Status write_root(const h5::Node& file, const RunRecord& run) {
  AESWEEP_RETURN_IF_ERROR(h5::set_attribute(file, ".", "format", kResultsFormat));
  AESWEEP_RETURN_IF_ERROR(h5::set_attribute(file, ".", "format_version", kResultsFormatVersion));
  AESWEEP_RETURN_IF_ERROR(h5::set_attribute(file, ".", "software", "aesweep"));
  AESWEEP_RETURN_IF_ERROR(h5::set_attribute(file, ".", "software_version", run.software_version));
  return h5::set_attribute(file, ".", "software_revision", run.revision);
}

// Where the members of the segments are, read once for each.
class SegmentTables {
 public:
  [[nodiscard]] Result<SegmentMember> find(const TrialSource& source) {
    auto at = tables_.find(source.path);
    if (at == tables_.end()) {
      Result<std::vector<SegmentMember>> members = read_segment(source.path);
      if (!members.ok()) return members.status();
      at = tables_.emplace(source.path, Members()).first;
      for (SegmentMember& member : *members) {
        at->second.emplace(std::pair(member.number, member.attempt), std::move(member));
      }
    }
    const auto member = at->second.find(std::pair(source.number, source.attempt));
    if (member != at->second.end()) return member->second;
    return Status::world(text(source.path, ": attempt ", source.attempt, " of trial ",
                              source.number,
                              " is not in it; run `aesweep validate` on the run's folder"));
  }

 private:
  using Members = std::map<std::pair<std::int64_t, int>, SegmentMember>;
  std::map<std::string, Members> tables_;
};

// How messages call a source.
std::string name_of(const TrialSource& source) {
  if (!source.in_segment) return source.path;
  return text(source.path, ", trial ", source.number, " attempt ", source.attempt);
}

// The source's bytes, compared with those expected.
Result<std::unique_ptr<ByteSink>> open_source(const TrialSource& source, SegmentTables& segments) {
  const std::string name = name_of(source);
  if (!source.in_segment) return open_verified(source.path, name, source.expected);
  Result<SegmentMember> member = segments.find(source);
  if (!member.ok()) return member.status();
  if (!source.expected.sha256.empty() && member->facts != source.expected) {
    return damaged(name, source.expected, member->facts);
  }
  return open_verified(source.path, name, member->facts, member->offset);
}

Result<OpenedTrial> open_stored(const TrialSource& source, ByteSink& image) {
  Result<OpenedTrial> trial = open_trial(image, name_of(source));
  if (trial.ok() && trial->number != source.number) {
    return Status::world(text(name_of(source), ": it holds trial ", trial->number,
                              " and not trial ", source.number,
                              "; run `aesweep validate` on the run's folder"));
  }
  return trial;
}

// Reads every trial once: what the tables need into `sweep`, its objects into `group`, if any.
Status read_trials(const std::vector<const TrialSource*>& sources, const h5::Node* group,
                   const ByteSink& sink, Sweep& sweep) {
  SegmentTables segments;
  for (const TrialSource* source : sources) {
    Result<std::unique_ptr<ByteSink>> image = open_source(*source, segments);
    if (!image.ok()) return image.status();
    Result<OpenedTrial> trial = open_stored(*source, **image);
    if (!trial.ok()) return trial.status();
    if (group != nullptr) {
      AESWEEP_RETURN_IF_ERROR(
          copy_trial_objects(trial->file, source->weights, *group, trial_name(trial->number)));
    }
    AESWEEP_RETURN_IF_ERROR(trial->file.close());
    if ((*image)->error() != 0) {
      return Status::world(name_of(*source) + ": cannot be read to its end");
    }
    sweep.trials.push_back(std::move(*trial));
    h5::let_others_in();
    // Once the disk has failed there is no point in going on; the caller says why.
    if (sink.error() != 0) return Status::world("the disk failed");
  }
  return {};
}

// In order of their numbers.
Result<std::vector<const TrialSource*>> ordered(const std::vector<TrialSource>& sources) {
  std::vector<const TrialSource*> all;
  for (const TrialSource& source : sources) all.push_back(&source);
  std::sort(all.begin(), all.end(), [](const TrialSource* a, const TrialSource* b) {
    return std::tie(a->number, a->attempt, a->path) < std::tie(b->number, b->attempt, b->path);
  });
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[i - 1]->number != all[i]->number) continue;
    return Status::world(text(name_of(*all[i - 1]), " and ", name_of(*all[i]), " both hold trial ",
                              all[i]->number, "; give one source per trial"));
  }
  return all;
}

enum TrialsColumn {
  kId,
  kKey,
  kLabel,
  kStatus,
  kStatusCode,
  kReason,
  kSeed,
  kEpochs,
  kSteps,
  kFixed
};

std::vector<Column> fixed_trials_columns(const Sweep& sweep) {
  TextFit key, label, status, reason;
  for (const OpenedTrial& trial : sweep.trials) {
    key.add(trial.key);
    label.add(cut_text(trial.label, kLabelBytesMax));
    status.add(trial.status);
    reason.add(cut_text(trial.reason, kReasonBytesMax));
  }
  return {{"id", CellType::kI8},          key.column("key"),
          label.column("label"),          status.column("status"),
          {"status_code", CellType::kI4}, reason.column("reason"),
          {"seed", CellType::kU8},        {"epochs", CellType::kI8},
          {"steps", CellType::kI8}};
}

// The columns of /trials: the fixed ones, the parameters, the last values of the metrics.
Result<Table> trials_layout(const Sweep& sweep) {
  NameSet names("column");
  std::vector<Column> columns = fixed_trials_columns(sweep);
  for (const Column& column : columns) names.reserve(column.name);
  for (std::size_t i = 0; i < sweep.parameters.size(); ++i) {
    const std::string stored = "p_" + sweep.parameters_stored[i];
    AESWEEP_RETURN_IF_ERROR(names.add(stored, sweep.parameters[i].name()));
    columns.push_back(sweep.parameters[i].column(stored, sweep.trials.size()));
  }
  for (const SweepMetric& metric : sweep.metrics) {
    AESWEEP_RETURN_IF_ERROR(names.add(metric.stored, metric.name));
    columns.push_back({metric.stored, CellType::kF8});
  }
  return Table(std::move(columns));
}

Status write_trials(const h5::Node& file, const Sweep& sweep) {
  Result<Table> layout = trials_layout(sweep);
  if (!layout.ok()) return layout.status();
  Table& table = *layout;
  table.resize(sweep.trials.size());
  const std::size_t first_metric = kFixed + sweep.parameters.size();
  for (std::size_t row = 0; row < sweep.trials.size(); ++row) {
    const OpenedTrial& trial = sweep.trials[row];
    table.set_integer(row, kId, trial.number);
    table.set_text(row, kKey, trial.key);
    table.set_text(row, kLabel, cut_text(trial.label, kLabelBytesMax));
    table.set_text(row, kStatus, trial.status);
    table.set_integer(row, kStatusCode, trial.status_code);
    table.set_text(row, kReason, cut_text(trial.reason, kReasonBytesMax));
    table.set_unsigned(row, kSeed, trial.seed);
    table.set_integer(row, kEpochs, trial.epochs);
    table.set_integer(row, kSteps, trial.steps);
    for (std::size_t m = 0; m < sweep.metrics.size(); ++m)
      table.set_real(row, first_metric + m, kNan);
    for (const HistoryRow& entry : trial.history) {  // Ascending epochs: the last one stays.
      table.set_real(row, first_metric + static_cast<std::size_t>(entry.metric), entry.value);
    }
  }
  for (std::size_t i = 0; i < sweep.parameters.size(); ++i) {
    sweep.parameters[i].fill(table, kFixed + i);
  }
  return h5::write_table(file, "trials", table);
}

Status write_history(const h5::Node& file, const Sweep& sweep) {
  enum { kTrial, kEpoch, kStep, kMetric, kValue };
  TextFit metric;
  for (const SweepMetric& entry : sweep.metrics) metric.add(entry.name);
  std::size_t rows = 0;
  for (const OpenedTrial& trial : sweep.trials) rows += trial.history.size();
  Table block({{"trial", CellType::kI8},
               {"epoch", CellType::kI8},
               {"step", CellType::kI8},
               metric.column("metric"),
               {"value", CellType::kF8}});
  Result<h5::TableWriter> writer = h5::TableWriter::create(file, "history", block, rows, true);
  if (!writer.ok()) return writer.status();
  for (const OpenedTrial& trial : sweep.trials) {
    const std::vector<HistoryRow>& history = trial.history;
    block.resize(history.size());
    for (std::size_t row = 0; row < history.size(); ++row) {
      block.set_integer(row, kTrial, trial.number);
      block.set_integer(row, kEpoch, history[row].epoch);
      block.set_integer(row, kStep, history[row].step);
      block.set_text(row, kMetric,
                     sweep.metrics[static_cast<std::size_t>(history[row].metric)].name);
      block.set_real(row, kValue, history[row].value);
    }
    AESWEEP_RETURN_IF_ERROR(writer->append(block));
    h5::let_others_in();
  }
  return {};
}

// values[metric][trial, epoch], NaN where the history has none.
std::vector<std::vector<double>> metric_matrices(const Sweep& sweep) {
  const std::size_t cols = sweep.epochs.size();
  std::vector<std::vector<double>> values(sweep.metrics.size(),
                                          std::vector<double>(sweep.trials.size() * cols, kNan));
  for (std::size_t row = 0; row < sweep.trials.size(); ++row) {
    for (const HistoryRow& entry : sweep.trials[row].history) {
      const auto at = std::lower_bound(sweep.epochs.begin(), sweep.epochs.end(), entry.epoch);
      const std::size_t col = static_cast<std::size_t>(at - sweep.epochs.begin());
      values[static_cast<std::size_t>(entry.metric)][row * cols + col] = entry.value;
    }
  }
  return values;
}

Status write_scale(const h5::Node& group, const std::string& name,
                   const std::vector<std::int64_t>& values) {
  const std::int64_t shape[] = {static_cast<std::int64_t>(values.size())};
  AESWEEP_RETURN_IF_ERROR(
      h5::write_array(group, name, {"", CellType::kI8}, shape, std::as_bytes(std::span(values))));
  return h5::make_scale(group, name);
}

Status write_metrics(const h5::Node& file, const Sweep& sweep) {
  Result<h5::Node> group = h5::create_group(file, "metrics");
  if (!group.ok()) return group.status();
  std::vector<std::int64_t> ids;
  for (const OpenedTrial& trial : sweep.trials) ids.push_back(trial.number);
  const std::string scales[] = {"trial", "epoch"};
  AESWEEP_RETURN_IF_ERROR(write_scale(*group, scales[0], ids));
  AESWEEP_RETURN_IF_ERROR(write_scale(*group, scales[1], sweep.epochs));
  const std::int64_t shape[] = {sweep.rows(), static_cast<std::int64_t>(sweep.epochs.size())};
  const std::vector<std::vector<double>> values = metric_matrices(sweep);
  for (std::size_t m = 0; m < sweep.metrics.size(); ++m) {
    const SweepMetric& metric = sweep.metrics[m];
    AESWEEP_RETURN_IF_ERROR(h5::write_array(*group, metric.stored, {"", CellType::kF8}, shape,
                                            std::as_bytes(std::span(values[m]))));
    AESWEEP_RETURN_IF_ERROR(h5::set_attribute(*group, metric.stored, "metric", metric.name));
    AESWEEP_RETURN_IF_ERROR(h5::set_attribute(*group, metric.stored, "unit", joined(metric.units)));
    AESWEEP_RETURN_IF_ERROR(
        h5::set_attribute(*group, metric.stored, "formula", joined(metric.formulas)));
    AESWEEP_RETURN_IF_ERROR(h5::attach_scales(*group, metric.stored, scales));
    h5::let_others_in();
  }
  return {};
}

Status write_params(const h5::Node& file, const Sweep& sweep) {
  Result<h5::Node> group = h5::create_group(file, "params");
  if (!group.ok()) return group.status();
  const std::int64_t shape[] = {sweep.rows()};
  for (std::size_t i = 0; i < sweep.parameters.size(); ++i) {
    const std::string& stored = sweep.parameters_stored[i];
    const Column column = sweep.parameters[i].column(stored, sweep.trials.size());
    Table table({column});
    table.resize(sweep.trials.size());
    sweep.parameters[i].fill(table, 0);
    AESWEEP_RETURN_IF_ERROR(h5::write_array(*group, stored, column, shape, table.bytes()));
    AESWEEP_RETURN_IF_ERROR(
        h5::set_attribute(*group, stored, "parameter", sweep.parameters[i].name()));
  }
  return {};
}

// Every trial's configuration, as one stream of YAML documents.
std::string resolved_configs(const Sweep& sweep) {
  std::string all;
  for (const OpenedTrial& trial : sweep.trials) {
    all += text("--- # trial ", trial.number, "\n") + trial.config;
    if (all.back() != '\n') all += '\n';
  }
  return all;
}

Status write_config(const h5::Node& file, const RunRecord& run, const Sweep& sweep) {
  Result<h5::Node> group = h5::create_group(file, "config");
  if (!group.ok()) return group.status();
  AESWEEP_RETURN_IF_ERROR(h5::write_text(*group, "experiment", run.experiment_text));
  AESWEEP_RETURN_IF_ERROR(h5::write_text(*group, "overrides", run.overrides));
  AESWEEP_RETURN_IF_ERROR(h5::write_text(*group, "resolved", resolved_configs(sweep)));
  const std::pair<const char*, std::string> facts[] = {
      {"name", run.name},
      {"metric", run.metric},
      {"goal", run.minimize ? "minimize" : "maximize"},
      {"data_fingerprint", run.data_fingerprint},
      {"numeric_fingerprint", run.numeric_fingerprint}};
  for (const auto& [name, value] : facts) {
    AESWEEP_RETURN_IF_ERROR(h5::set_attribute(*group, ".", name, value));
  }
  return h5::set_attribute(*group, ".", "numerics_version", run.numerics_version);
}

Status write_plugins(const h5::Node& file, const RunRecord& run) {
  using Member = std::string PluginRecord::*;
  const std::pair<const char*, Member> members[] = {
      {"kind", &PluginRecord::kind},       {"name", &PluginRecord::name},
      {"library", &PluginRecord::library}, {"version", &PluginRecord::version},
      {"sha256", &PluginRecord::sha256},   {"abi", &PluginRecord::abi}};
  std::vector<Column> columns;
  for (const auto& [name, member] : members) {
    TextFit values;
    for (const PluginRecord& plugin : run.plugins) values.add(plugin.*member);
    columns.push_back(values.column(name));
  }
  Table table(std::move(columns));
  table.resize(run.plugins.size());
  for (std::size_t row = 0; row < run.plugins.size(); ++row) {
    std::size_t column = 0;
    for (const auto& [name, member] : members)
      table.set_text(row, column++, run.plugins[row].*member);
  }
  return h5::write_table(file, "plugins", table);
}

Status write_runtime(const h5::Node& file, const RunRecord& run) {
  enum { kTrial, kAttempt, kRanks, kHost, kSeconds, kReproducible, kCurrent, kNumerics };
  Result<h5::Node> group = h5::create_group(file, "runtime");
  if (!group.ok()) return group.status();
  std::vector<TrialRuntime> trials = run.trial_runtime;
  std::stable_sort(trials.begin(), trials.end(), [](const TrialRuntime& a, const TrialRuntime& b) {
    return std::pair(a.number, a.attempt) < std::pair(b.number, b.attempt);
  });
  TextFit host, numerics;
  for (const TrialRuntime& trial : trials) {
    host.add(trial.host);
    numerics.add(trial.numeric_fingerprint);
  }
  Table table({{"trial", CellType::kI8},
               {"attempt", CellType::kI4},
               {"ranks", CellType::kI4},
               host.column("host"),
               {"seconds", CellType::kF8},
               {"reproducible", CellType::kU1},
               {"current", CellType::kU1},
               numerics.column("numeric_fingerprint")});
  table.resize(trials.size());
  for (std::size_t row = 0; row < trials.size(); ++row) {
    table.set_integer(row, kTrial, trials[row].number);
    table.set_integer(row, kAttempt, trials[row].attempt);
    table.set_integer(row, kRanks, trials[row].ranks);
    table.set_text(row, kHost, trials[row].host);
    table.set_real(row, kSeconds, trials[row].seconds);
    table.set_integer(row, kReproducible, trials[row].reproducible ? 1 : 0);
    table.set_integer(row, kCurrent, trials[row].current ? 1 : 0);
    table.set_text(row, kNumerics, trials[row].numeric_fingerprint);
  }
  AESWEEP_RETURN_IF_ERROR(h5::write_table(*group, "trials", table));
  NameSet names("runtime fact");
  names.reserve("trials");
  for (const auto& [name, value] : run.runtime) {
    AESWEEP_RETURN_IF_ERROR(names.add(stored_name(name), name));
    AESWEEP_RETURN_IF_ERROR(h5::write_text(*group, stored_name(name), value));
  }
  return {};
}

Status write_contents(const h5::Node& file, const ByteSink& sink, const RunRecord& run,
                      const std::vector<const TrialSource*>& sources, ResultsExtent extent) {
  AESWEEP_RETURN_IF_ERROR(write_root(file, run));
  Sweep sweep;
  if (extent == ResultsExtent::kWhole) {
    Result<h5::Node> group = h5::create_group(file, "trial");
    if (!group.ok()) return group.status();
    AESWEEP_RETURN_IF_ERROR(read_trials(sources, &*group, sink, sweep));
  } else {
    AESWEEP_RETURN_IF_ERROR(read_trials(sources, nullptr, sink, sweep));
  }
  AESWEEP_RETURN_IF_ERROR(merge_metrics(sweep));
  AESWEEP_RETURN_IF_ERROR(merge_parameters(sweep));
  AESWEEP_RETURN_IF_ERROR(write_trials(file, sweep));
  AESWEEP_RETURN_IF_ERROR(write_history(file, sweep));
  AESWEEP_RETURN_IF_ERROR(write_metrics(file, sweep));
  AESWEEP_RETURN_IF_ERROR(write_params(file, sweep));
  AESWEEP_RETURN_IF_ERROR(write_config(file, run, sweep));
  AESWEEP_RETURN_IF_ERROR(write_plugins(file, run));
  // Last, so that nothing before it moves with its size.
  return write_runtime(file, run);
}

// Most of what results.h5 will hold, as far as it is sure: a trial whose weights are left out does
// not count.
std::uint64_t expected_bytes(const std::vector<TrialSource>& sources, ResultsExtent extent) {
  std::uint64_t bytes = 0;
  if (extent == ResultsExtent::kTables) return bytes;
  for (const TrialSource& source : sources) {
    if (source.weights) bytes += source.expected.bytes;
  }
  return bytes;
}

}  // namespace

Result<FileFacts> write_results(const std::string& path, const RunRecord& run,
                                const std::vector<TrialSource>& trials, ResultsExtent extent) {
  return fenced(path, [&]() -> Result<FileFacts> {
    Result<std::vector<const TrialSource*>> sources = ordered(trials);
    if (!sources.ok()) return sources.status();
    const std::uint64_t bytes = expected_bytes(trials, extent);
    Result<PendingFile> file = PendingFile::create(path);
    if (!file.ok()) return file.status();
    AESWEEP_RETURN_IF_ERROR(file->reserve(bytes));
    FileSink sink(file->fd());
    AESWEEP_RETURN_IF_ERROR(write_h5(sink, path, bytes, [&](const h5::Node& to) {
      return write_contents(to, sink, run, *sources, extent);
    }));
    Result<FileFacts> facts = file->facts();
    if (!facts.ok()) return facts.status();
    AESWEEP_RETURN_IF_ERROR(file->commit(WriteMode::kReplace));
    return facts;
  });
}

}  // namespace aesweep
