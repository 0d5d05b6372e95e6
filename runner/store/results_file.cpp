#include "runner/store/results_file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/fence.hpp"
#include "runner/store/h5.hpp"
#include "runner/store/names.hpp"
#include "runner/store/parameter_column.hpp"
#include "runner/store/trial_file.hpp"

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

struct SweepTrial {
  std::string path;
  StoredTrial stored;  // Its file is closed.
};

struct SweepMetric {
  std::string name;
  std::string stored;
  std::vector<std::string> units;     // The distinct ones, in order of trials.
  std::vector<std::string> formulas;  // More than one where a swept parameter is part of it.
};

// All trials in order of their numbers, and what their tables have in common.
struct Sweep {
  std::vector<SweepTrial> trials;
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

Status read_trials(const std::vector<std::string>& paths, Sweep& sweep) {
  for (const std::string& path : paths) {
    Result<StoredTrial> trial = open_trial(path);
    if (!trial.ok()) return trial.status();
    AESWEEP_RETURN_IF_ERROR(trial->file.close());
    sweep.trials.push_back({path, std::move(*trial)});
  }
  std::sort(sweep.trials.begin(), sweep.trials.end(), [](const SweepTrial& a, const SweepTrial& b) {
    return a.stored.number < b.stored.number;
  });
  for (std::size_t i = 1; i < sweep.trials.size(); ++i) {
    if (sweep.trials[i - 1].stored.number != sweep.trials[i].stored.number) continue;
    return Status::world(text(sweep.trials[i - 1].path, " and ", sweep.trials[i].path,
                              " both hold trial ", sweep.trials[i].stored.number,
                              "; give one file per trial"));
  }
  return {};
}

// Replaces each trial's own metric indices by those of the sweep, and sorts its history.
Status merge_metrics(Sweep& sweep) {
  NameSet names("metric");
  for (const char* scale : {"trial", "epoch"}) names.reserve(scale);
  std::map<std::string, std::int32_t> index;
  std::set<std::int64_t> epochs;
  for (SweepTrial& trial : sweep.trials) {
    std::vector<std::int32_t> to_sweep;
    for (const MetricInfo& metric : trial.stored.metrics) {
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
    for (HistoryRow& row : trial.stored.history) {
      row.metric = to_sweep[static_cast<std::size_t>(row.metric)];
      epochs.insert(row.epoch);
    }
    std::stable_sort(trial.stored.history.begin(), trial.stored.history.end(),
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
    for (auto& [name, value] : sweep.trials[row].stored.parameters) {
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

Status copy_trials(const h5::Node& file, const ByteSink& sink, const Sweep& sweep) {
  Result<h5::Node> group = h5::create_group(file, "trial");
  if (!group.ok()) return group.status();
  for (const SweepTrial& trial : sweep.trials) {
    Result<h5::Node> source = h5::open_file(trial.path);
    if (!source.ok()) return source.status();
    AESWEEP_RETURN_IF_ERROR(
        h5::copy(*source, kTrialObjects, *group, trial_name(trial.stored.number)));
    AESWEEP_RETURN_IF_ERROR(source->close());
    // Once the disk has failed there is no point in going on; the caller says why.
    if (sink.error() != 0) return Status::world("the disk failed");
  }
  return {};
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
  for (const SweepTrial& trial : sweep.trials) {
    key.add(trial.stored.key);
    label.add(cut_text(trial.stored.label, kLabelBytesMax));
    status.add(trial.stored.status);
    reason.add(cut_text(trial.stored.reason, kReasonBytesMax));
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
    const StoredTrial& trial = sweep.trials[row].stored;
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
  for (const SweepTrial& trial : sweep.trials) rows += trial.stored.history.size();
  Table block({{"trial", CellType::kI8},
               {"epoch", CellType::kI8},
               {"step", CellType::kI8},
               metric.column("metric"),
               {"value", CellType::kF8}});
  Result<h5::TableWriter> writer = h5::TableWriter::create(file, "history", block, rows, true);
  if (!writer.ok()) return writer.status();
  for (const SweepTrial& trial : sweep.trials) {
    const std::vector<HistoryRow>& history = trial.stored.history;
    block.resize(history.size());
    for (std::size_t row = 0; row < history.size(); ++row) {
      block.set_integer(row, kTrial, trial.stored.number);
      block.set_integer(row, kEpoch, history[row].epoch);
      block.set_integer(row, kStep, history[row].step);
      block.set_text(row, kMetric,
                     sweep.metrics[static_cast<std::size_t>(history[row].metric)].name);
      block.set_real(row, kValue, history[row].value);
    }
    AESWEEP_RETURN_IF_ERROR(writer->append(block));
  }
  return {};
}

// values[metric][trial, epoch], NaN where the history has none.
std::vector<std::vector<double>> metric_matrices(const Sweep& sweep) {
  const std::size_t cols = sweep.epochs.size();
  std::vector<std::vector<double>> values(sweep.metrics.size(),
                                          std::vector<double>(sweep.trials.size() * cols, kNan));
  for (std::size_t row = 0; row < sweep.trials.size(); ++row) {
    for (const HistoryRow& entry : sweep.trials[row].stored.history) {
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
  for (const SweepTrial& trial : sweep.trials) ids.push_back(trial.stored.number);
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

Status write_config(const h5::Node& file, const RunRecord& run) {
  Result<h5::Node> group = h5::create_group(file, "config");
  if (!group.ok()) return group.status();
  AESWEEP_RETURN_IF_ERROR(h5::write_text(*group, "experiment", run.experiment_text));
  AESWEEP_RETURN_IF_ERROR(h5::write_text(*group, "overrides", run.overrides));
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
  enum { kTrial, kAttempt, kRanks, kHost, kSeconds, kReproducible };
  Result<h5::Node> group = h5::create_group(file, "runtime");
  if (!group.ok()) return group.status();
  std::vector<TrialRuntime> trials = run.trial_runtime;
  std::stable_sort(trials.begin(), trials.end(), [](const TrialRuntime& a, const TrialRuntime& b) {
    return std::pair(a.number, a.attempt) < std::pair(b.number, b.attempt);
  });
  TextFit host;
  for (const TrialRuntime& trial : trials) host.add(trial.host);
  Table table({{"trial", CellType::kI8},
               {"attempt", CellType::kI4},
               {"ranks", CellType::kI4},
               host.column("host"),
               {"seconds", CellType::kF8},
               {"reproducible", CellType::kU1}});
  table.resize(trials.size());
  for (std::size_t row = 0; row < trials.size(); ++row) {
    table.set_integer(row, kTrial, trials[row].number);
    table.set_integer(row, kAttempt, trials[row].attempt);
    table.set_integer(row, kRanks, trials[row].ranks);
    table.set_text(row, kHost, trials[row].host);
    table.set_real(row, kSeconds, trials[row].seconds);
    table.set_integer(row, kReproducible, trials[row].reproducible ? 1 : 0);
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
                      const Sweep& sweep) {
  AESWEEP_RETURN_IF_ERROR(write_root(file, run));
  AESWEEP_RETURN_IF_ERROR(copy_trials(file, sink, sweep));
  AESWEEP_RETURN_IF_ERROR(write_trials(file, sweep));
  AESWEEP_RETURN_IF_ERROR(write_history(file, sweep));
  AESWEEP_RETURN_IF_ERROR(write_metrics(file, sweep));
  AESWEEP_RETURN_IF_ERROR(write_params(file, sweep));
  AESWEEP_RETURN_IF_ERROR(write_config(file, run));
  AESWEEP_RETURN_IF_ERROR(write_plugins(file, run));
  // Last, so that nothing before it moves with its size.
  return write_runtime(file, run);
}

Status build(ByteSink& sink, const std::string& path, const RunRecord& run,
             const std::vector<std::string>& trial_paths) {
  const h5::Session session;
  Sweep sweep;
  AESWEEP_RETURN_IF_ERROR(read_trials(trial_paths, sweep));
  AESWEEP_RETURN_IF_ERROR(merge_metrics(sweep));
  AESWEEP_RETURN_IF_ERROR(merge_parameters(sweep));
  Result<h5::Node> file = h5::create_file(sink, path);
  if (!file.ok()) return file.status();
  const Status written = write_contents(*file, sink, run, sweep);
  const Status closed = file->close();
  return written.ok() ? closed : written;
}

// The sum of the trials' files: most of what results.h5 will hold.
std::uint64_t expected_bytes(const std::vector<std::string>& paths) {
  std::uint64_t bytes = 0;
  for (const std::string& path : paths) {
    struct stat info {};
    // A missing file is reported when it is opened.
    if (::stat(path.c_str(), &info) == 0) bytes += static_cast<std::uint64_t>(info.st_size);
  }
  return bytes;
}

}  // namespace

Result<FileFacts> write_results(const std::string& path, const RunRecord& run,
                                const std::vector<TrialSource>& trials, ResultsExtent) {
  return fenced(path, [&]() -> Result<FileFacts> {
    std::vector<std::string> trial_paths;
    for (const TrialSource& trial : trials) trial_paths.push_back(trial.path);
    const std::uint64_t bytes = expected_bytes(trial_paths);
    Result<PendingFile> file = PendingFile::create(path);
    if (!file.ok()) return file.status();
    AESWEEP_RETURN_IF_ERROR(file->reserve(bytes));
    FileSink sink(file->fd());
    const Status built = build(sink, path, run, trial_paths);
    if (sink.error() != 0) return write_fault(path, sink.error(), bytes);
    AESWEEP_RETURN_IF_ERROR(built);
    AESWEEP_RETURN_IF_ERROR(file->commit(WriteMode::kReplace));
    Result<std::string> hash = sha256_file(path);
    if (!hash.ok()) return hash.status();
    return FileFacts{sink.size(), std::move(*hash)};
  });
}

}  // namespace aesweep
