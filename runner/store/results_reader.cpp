#include "runner/store/results_reader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include "core/base/text.hpp"
#include "runner/store/fence.hpp"
#include "runner/store/h5_checked.hpp"
#include "runner/store/names.hpp"
#include "runner/store/results_file.hpp"
#include "runner/store/verified_file.hpp"

namespace aesweep {
namespace {

using h5::CellType;
using h5::Column;
using h5::Table;

constexpr int kMajor = 1;

// The file that `run` names, or why there is none.
Result<std::string> results_path(const std::string& run) {
  struct stat info {};
  if (::stat(run.c_str(), &info) != 0) {
    return Status::input(text(run,
                              ": there is no such run or file; name a run's folder or its "
                              "results.h5"));
  }
  if (!S_ISDIR(info.st_mode)) return run;
  const std::string path = run + (run.ends_with('/') ? "results.h5" : "/results.h5");
  if (::stat(path.c_str(), &info) == 0) return path;
  return Status::input(text(run,
                            " holds no results.h5; name a run's folder, and if its run was cut "
                            "off, `aesweep rebuild ",
                            run, "` writes the file"));
}

Status shaped_wrong(const std::string& where, const std::string& expected) {
  return Status::input(text("cannot read ", where, ": expected ", expected));
}

// The column of that name and type.
Result<std::size_t> find_column(const Table& table, const std::string& where,
                                const std::string& name, CellType type) {
  const std::vector<Column>& columns = table.columns();
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const Column& column) { return column.name == name; });
  if (found == columns.end() || found->type != type) {
    return shaped_wrong(where, "a column '" + name + "' of the type that FORMAT.md gives");
  }
  return static_cast<std::size_t>(found - columns.begin());
}

// Cuts the padding off.
std::string cell_text(const Table& table, std::size_t row, std::size_t column) {
  const std::string_view cell = table.text(row, column);
  return std::string(cell.substr(0, cell.find_last_not_of('\0') + 1));
}

// Takes an array of reals of `rank` dimensions; -1: any.
Result<NamedTensor> read_tensor(const h5::Node& group, const std::string& name, int rank,
                                std::uint64_t bytes_max) {
  Result<h5::Array> array = h5::read_checked_array(group, name, bytes_max);
  if (!array.ok()) return array.status();
  const std::string where = group.where + "/" + name;
  if (array->type != CellType::kF4 && array->type != CellType::kF8) {
    return shaped_wrong(where, "f4 or f8");
  }
  if (rank >= 0 && array->shape.size() != static_cast<std::size_t>(rank)) {
    return shaped_wrong(where, text(rank, " dimensions, found ", array->shape.size()));
  }
  const Scalar scalar = array->type == CellType::kF4 ? Scalar::kF32 : Scalar::kF64;
  return NamedTensor{name, std::move(array->shape), scalar, std::move(array->bytes)};
}

template <class T>
std::vector<T> values_of(const std::vector<std::byte>& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

// "1, 2, 5, ..., 90": for a number that is not there.
std::string numbers_of(const std::vector<StoredTrial>& trials) {
  constexpr std::size_t kShownMax = 12;
  std::string all;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (trials.size() > kShownMax && i + 1 == kShownMax) {
      return text(all, ", ..., ", trials.back().number);
    }
    all += (i == 0 ? "" : ", ") + std::to_string(trials[i].number);
  }
  return all.empty() ? "none" : all;
}

Status check_version(const h5::Node& file, std::uint64_t bytes_max) {
  Result<std::string> format = h5::checked_attribute(file, "format", bytes_max);
  if (!format.ok()) return format.status().in("this is no results.h5 of aesweep");
  if (*format != kResultsFormat) {
    return shaped_wrong(file.where, text("format '", kResultsFormat, "', found '", *format, "'"));
  }
  Result<std::string> version = h5::checked_attribute(file, "format_version", bytes_max);
  if (!version.ok()) return version.status();
  if (!version->starts_with(text(kMajor, "."))) {
    return shaped_wrong(file.where, text("format version ", kMajor, ".x, found '", *version,
                                         "'; it was written by another version of aesweep"));
  }
  return {};
}

Result<std::vector<StoredTrial>> read_trials(const h5::Node& file, std::uint64_t bytes_max) {
  const std::string where = file.where + "/trials";
  Result<Table> table = h5::read_checked_table(file, "trials", bytes_max);
  if (!table.ok()) return table.status();
  Result<std::size_t> id = find_column(*table, where, "id", CellType::kI8);
  if (!id.ok()) return id.status();
  Result<std::size_t> key = find_column(*table, where, "key", CellType::kText);
  if (!key.ok()) return key.status();
  Result<std::size_t> epochs = find_column(*table, where, "epochs", CellType::kI8);
  if (!epochs.ok()) return epochs.status();
  Result<std::size_t> steps = find_column(*table, where, "steps", CellType::kI8);
  if (!steps.ok()) return steps.status();
  Result<std::size_t> label = find_column(*table, where, "label", CellType::kText);
  if (!label.ok()) return label.status();
  Result<std::size_t> status = find_column(*table, where, "status", CellType::kText);
  if (!status.ok()) return status.status();
  Result<h5::Node> metrics = h5::open_checked_group(file, "metrics");
  if (!metrics.ok()) return metrics.status();
  std::vector<std::size_t> metric_columns;
  for (std::size_t i = 0; i < table->columns().size(); ++i) {
    if (table->columns()[i].type != CellType::kF8) continue;
    Result<bool> there = h5::has(*metrics, table->columns()[i].name);
    if (!there.ok()) return there.status();
    if (*there) metric_columns.push_back(i);
  }
  std::vector<StoredTrial> trials(table->rows());
  for (std::size_t row = 0; row < trials.size(); ++row) {
    StoredTrial& trial = trials[row];
    trial.number = table->integer(row, *id);
    trial.key = cell_text(*table, row, *key);
    trial.epochs = table->integer(row, *epochs);
    trial.steps = table->integer(row, *steps);
    trial.label = cell_text(*table, row, *label);
    trial.status = cell_text(*table, row, *status);
    for (const std::size_t column : metric_columns) {
      trial.metrics.emplace_back(table->columns()[column].name, table->real(row, column));
    }
    if (trial.number < 0 || (row > 0 && trials[row - 1].number >= trial.number)) {
      return shaped_wrong(where, "ids from 0, ascending");
    }
    if (trial.epochs < 0 || trial.steps < 0) {
      return shaped_wrong(where, "numbers of epochs and steps from 0");
    }
  }
  return trials;
}

Result<std::vector<StoredPlugin>> read_plugins(const h5::Node& file, std::uint64_t bytes_max) {
  Result<Table> table = h5::read_checked_table(file, "plugins", bytes_max);
  if (!table.ok()) return table.status();
  const std::pair<const char*, std::string StoredPlugin::*> columns[] = {
      {"kind", &StoredPlugin::kind},
      {"name", &StoredPlugin::name},
      {"library", &StoredPlugin::library},
      {"sha256", &StoredPlugin::sha256}};
  std::vector<StoredPlugin> plugins(table->rows());
  for (const auto& [name, member] : columns) {
    Result<std::size_t> column =
        find_column(*table, file.where + "/plugins", name, CellType::kText);
    if (!column.ok()) return column.status();
    for (std::size_t row = 0; row < plugins.size(); ++row) {
      plugins[row].*member = cell_text(*table, row, *column);
    }
  }
  return plugins;
}

// The same number of samples in all, and as many values in a reconstruction as in an input.
Status check_samples(const StoredSamples& samples, const std::string& where) {
  std::optional<std::int64_t> rows;
  for (const NamedTensor* tensor : {&samples.inputs, &samples.codes, &samples.reconstructions}) {
    if (tensor->shape.empty()) continue;
    if (rows.value_or(tensor->shape[0]) != tensor->shape[0]) {
      return shaped_wrong(where, "the same number of samples in all arrays");
    }
    rows = tensor->shape[0];
  }
  if (!samples.labels.empty() &&
      rows.value_or(0) != static_cast<std::int64_t>(samples.labels.size())) {
    return shaped_wrong(where + "/labels", text("one label for each sample"));
  }
  const bool pairs = !samples.predictions && !samples.inputs.shape.empty() &&
                     !samples.reconstructions.shape.empty();
  if (pairs && samples.inputs.shape[1] != samples.reconstructions.shape[1]) {
    return shaped_wrong(where, "reconstructions as wide as inputs");
  }
  return {};
}

Result<StoredSamples> read_samples(const h5::Node& trial, std::uint64_t bytes_max) {
  StoredSamples samples;
  Result<bool> recorded = h5::has(trial, "samples");
  if (!recorded.ok()) return recorded.status();
  if (!*recorded) return samples;
  Result<h5::Node> group = h5::open_checked_group(trial, "samples");
  if (!group.ok()) return group.status();
  const std::pair<const char*, NamedTensor*> arrays[] = {
      {"inputs", &samples.inputs},
      {"codes", &samples.codes},
      {"reconstructions", &samples.reconstructions},
      {"predictions", &samples.reconstructions}};
  for (const auto& [name, tensor] : arrays) {
    Result<bool> there = h5::has(*group, name);
    if (!there.ok()) return there.status();
    if (!*there) continue;
    Result<NamedTensor> read = read_tensor(*group, name, 2, bytes_max);
    if (!read.ok()) return read.status();
    *tensor = std::move(*read);
    samples.predictions = name == std::string_view("predictions");
  }
  Result<bool> labelled = h5::has(*group, "labels");
  if (!labelled.ok()) return labelled.status();
  if (*labelled) {
    Result<h5::Array> labels = h5::read_checked_array(*group, "labels", bytes_max);
    if (!labels.ok()) return labels.status();
    if (labels->type != CellType::kI4 || labels->shape.size() != 1) {
      return shaped_wrong(group->where + "/labels", "i4 [sample]");
    }
    samples.labels = values_of<std::int32_t>(labels->bytes);
  }
  AESWEEP_RETURN_IF_ERROR(check_samples(samples, group->where));
  return samples;
}

Result<std::vector<double>> read_scaling(const h5::Node& trial, const std::string& name,
                                         std::uint64_t bytes_max) {
  Result<bool> there = h5::has(trial, name);
  if (!there.ok()) return there.status();
  if (!*there) return std::vector<double>();
  Result<NamedTensor> tensor = read_tensor(trial, name, 1, bytes_max);
  if (!tensor.ok()) return tensor.status();
  if (tensor->scalar != Scalar::kF64) return shaped_wrong(trial.where + "/" + name, "f8 [input]");
  return values_of<double>(tensor->bytes);
}

}  // namespace

struct ResultsReader::State {
  std::string path;
  std::unique_ptr<ByteSink> image;
  std::string name;
  std::string metric;
  std::vector<StoredTrial> trials;
  std::vector<StoredPlugin> plugins;

  // What `body` makes of the opened file. Whatever libhdf5 says about a file of unknown origin is a
  // fault of that input, but for a disk that cannot be read.
  template <class T>
  Result<T> with_file(const std::function<Result<T>(const h5::Node&)>& body) const {
    const auto read = [&]() -> Result<T> {
      const h5::Session session;
      Result<h5::Node> file = h5::open_image(*image, path);
      if (!file.ok()) return file.status();
      Result<T> result = body(*file);
      const Status closed = file->close();
      if (result.ok() && !closed.ok()) return closed;
      return result;
    };
    Result<T> result = fenced(path, read);
    if (image->error() != 0) return Status::world(path + ": cannot be read to its end");
    if (result.ok()) return result;
    return Status::input(result.status().message());
  }

  template <class T>
  Result<T> with_trial(std::int64_t number,
                       const std::function<Result<T>(const h5::Node&)>& body) const {
    return with_file<T>([&](const h5::Node& file) -> Result<T> {
      Result<h5::Node> all = h5::open_checked_group(file, "trial");
      if (!all.ok()) return all.status();
      Result<h5::Node> trial = h5::open_checked_group(*all, trial_name(number));
      if (!trial.ok()) return trial.status();
      return body(*trial);
    });
  }

  // Fills all but path and image.
  Status read_tables() {
    const Result<bool> read = with_file<bool>([&](const h5::Node& file) -> Result<bool> {
      const std::uint64_t bytes_max = image->size();
      AESWEEP_RETURN_IF_ERROR(check_version(file, bytes_max));
      Result<bool> whole = h5::has(file, "trial");
      if (!whole.ok()) return whole.status();
      if (!*whole) {
        return Status::input(text(path,
                                  " has no /trial yet: it was written while its run went on; "
                                  "wait for the run's end, or `aesweep rebuild` its folder"));
      }
      Result<h5::Node> config = h5::open_checked_group(file, "config");
      if (!config.ok()) return config.status();
      Result<std::string> called = h5::checked_attribute(*config, "name", bytes_max);
      if (!called.ok()) return called.status();
      name = std::move(*called);
      Result<std::string> compared = h5::checked_attribute(*config, "metric", bytes_max);
      if (!compared.ok()) return compared.status();
      metric = std::move(*compared);
      Result<std::vector<StoredTrial>> rows = read_trials(file, bytes_max);
      if (!rows.ok()) return rows.status();
      trials = std::move(*rows);
      Result<std::vector<StoredPlugin>> used = read_plugins(file, bytes_max);
      if (!used.ok()) return used.status();
      plugins = std::move(*used);
      return true;
    });
    return read.status();
  }
};

ResultsReader::ResultsReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ResultsReader::ResultsReader(ResultsReader&&) noexcept = default;
ResultsReader& ResultsReader::operator=(ResultsReader&&) noexcept = default;
ResultsReader::~ResultsReader() = default;

Result<ResultsReader> ResultsReader::open(const std::string& run) {
  Result<std::string> path = results_path(run);
  if (!path.ok()) return path.status();
  auto state = std::make_unique<State>();
  state->path = std::move(*path);
  Result<std::unique_ptr<ByteSink>> image = open_verified(state->path, state->path, {});
  if (!image.ok()) return image.status();
  state->image = std::move(*image);
  AESWEEP_RETURN_IF_ERROR(state->read_tables());
  return ResultsReader(std::move(state));
}

const std::string& ResultsReader::path() const { return state_->path; }
const std::string& ResultsReader::name() const { return state_->name; }
const std::string& ResultsReader::metric() const { return state_->metric; }
const std::vector<StoredTrial>& ResultsReader::trials() const { return state_->trials; }
const std::vector<StoredPlugin>& ResultsReader::plugins() const { return state_->plugins; }

Result<StoredTrial> ResultsReader::trial(std::int64_t number) const {
  for (const StoredTrial& trial : state_->trials) {
    if (trial.number == number) return trial;
  }
  return Status::input(text(state_->path, " has no finished trial ", number,
                            "; it has: ", numbers_of(state_->trials)));
}

Result<std::string> ResultsReader::config(std::int64_t number) const {
  if (const Result<StoredTrial> row = trial(number); !row.ok()) return row.status();
  return state_->with_trial<std::string>(number, [&](const h5::Node& trial) {
    return h5::read_checked_text(trial, "config", state_->image->size());
  });
}

Result<std::pair<std::string, std::string>> ResultsReader::experiment() const {
  using Texts = std::pair<std::string, std::string>;
  return state_->with_file<Texts>([&](const h5::Node& file) -> Result<Texts> {
    const std::uint64_t bytes_max = state_->image->size();
    Result<h5::Node> config = h5::open_checked_group(file, "config");
    if (!config.ok()) return config.status();
    Result<std::string> text = h5::read_checked_text(*config, "experiment", bytes_max);
    if (!text.ok()) return text.status();
    Result<std::string> overrides = h5::read_checked_text(*config, "overrides", bytes_max);
    if (!overrides.ok()) return overrides.status();
    return Texts{std::move(*text), std::move(*overrides)};
  });
}

Result<std::string> ResultsReader::fact(const std::string& name) const {
  return state_->with_file<std::string>([&](const h5::Node& file) -> Result<std::string> {
    Result<bool> there = h5::has(file, "runtime");
    if (!there.ok()) return there.status();
    if (!*there) return std::string();
    Result<h5::Node> runtime = h5::open_checked_group(file, "runtime");
    if (!runtime.ok()) return runtime.status();
    there = h5::has(*runtime, name);
    if (!there.ok()) return there.status();
    if (!*there) return std::string();
    return h5::read_checked_text(*runtime, name, state_->image->size());
  });
}

Result<std::vector<NamedTensor>> ResultsReader::weights(std::int64_t number, WeightsOf when) const {
  using Tensors = std::vector<NamedTensor>;
  if (const Result<StoredTrial> row = trial(number); !row.ok()) return row.status();
  const std::string name = when == WeightsOf::kInitial ? "weights_initial" : "weights_final";
  const std::uint64_t bytes_max = state_->image->size();
  return state_->with_trial<Tensors>(number, [&](const h5::Node& trial) -> Result<Tensors> {
    Result<bool> there = h5::has(trial, name);
    if (!there.ok()) return there.status();
    if (!*there) {
      return Status::input(text(trial.where, " has no ", name,
                                ": the run did not record this trial's weights; run it with "
                                "record.weights: all, or raise record.weights.best"));
    }
    Result<h5::Node> group = h5::open_checked_group(trial, name);
    if (!group.ok()) return group.status();
    Result<std::vector<std::string>> names = h5::members(*group, bytes_max);
    if (!names.ok()) return names.status();
    Tensors tensors;
    std::uint64_t left = bytes_max;  // Many links to one data set may be worth more than the file.
    for (const std::string& member : *names) {
      Result<NamedTensor> tensor = read_tensor(*group, member, -1, left);
      if (!tensor.ok()) return tensor.status();
      left -= tensor->bytes.size();
      tensors.push_back(std::move(*tensor));
    }
    return tensors;
  });
}

Result<StoredSamples> ResultsReader::samples(std::int64_t number) const {
  if (const Result<StoredTrial> row = trial(number); !row.ok()) return row.status();
  return state_->with_trial<StoredSamples>(
      number, [&](const h5::Node& trial) { return read_samples(trial, state_->image->size()); });
}

Result<std::pair<std::vector<double>, std::vector<double>>> ResultsReader::input_scaling(
    std::int64_t number) const {
  using Scaling = std::pair<std::vector<double>, std::vector<double>>;
  if (const Result<StoredTrial> row = trial(number); !row.ok()) return row.status();
  const std::uint64_t bytes_max = state_->image->size();
  return state_->with_trial<Scaling>(number, [&](const h5::Node& trial) -> Result<Scaling> {
    Result<std::vector<double>> scale = read_scaling(trial, "input_scale", bytes_max);
    if (!scale.ok()) return scale.status();
    Result<std::vector<double>> shift = read_scaling(trial, "input_shift", bytes_max);
    if (!shift.ok()) return shift.status();
    if (scale->size() != shift->size()) {
      return shaped_wrong(trial.where, "input_scale and input_shift of the same length");
    }
    return Scaling(std::move(*scale), std::move(*shift));
  });
}

}  // namespace aesweep
