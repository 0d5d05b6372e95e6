// Layout of a checkpoint, version 1.0:
//   attributes of /        format "aesweep-checkpoint", format_version
//
//   /summary               table of one row: number, key, numeric_fingerprint, epochs, steps,
//                          batches, and of the epoch's sums: rows, error, code_sum
//   /history               table: epoch, step, metric, value
//   /terms, /unit_counts   arrays of the sums
//   /flips                 table: changed, compared
//   /tensors               table: name; in order
//   /tensor/000000_NAME    the tensors in that order, with names as results.h5 stores them
#include "runner/store/checkpoint_file.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "core/base/text.hpp"
#include "runner/store/fence.hpp"
#include "runner/store/h5.hpp"
#include "runner/store/image_file.hpp"
#include "runner/store/names.hpp"
#include "runner/store/verified_file.hpp"

namespace aesweep {
namespace {

using h5::CellType;
using h5::Column;
using h5::Table;

constexpr const char* kFormat = "aesweep-checkpoint";
constexpr const char* kFormatVersion = "1.0";

// Column numbers follow the order of the lists below them. Texts are as wide as their values.
enum SummaryColumn { kNumber, kKey, kFingerprint, kEpochs, kSteps, kBatches, kRows, kError, kCode };
std::vector<Column> summary_columns(const CheckpointRecord& record) {
  h5::TextFit key, fingerprint;
  key.add(record.key);
  fingerprint.add(record.numeric_fingerprint);
  return {{"number", CellType::kI8},
          key.column("key"),
          fingerprint.column("numeric_fingerprint"),
          {"epochs", CellType::kI8},
          {"steps", CellType::kI8},
          {"batches", CellType::kI8},
          {"rows", CellType::kI8},
          {"error", CellType::kF8},
          {"code_sum", CellType::kF8}};
}

enum HistoryColumn { kEpoch, kStep, kMetric, kValue };
std::vector<Column> history_columns() {
  return {{"epoch", CellType::kI8},
          {"step", CellType::kI8},
          {"metric", CellType::kI4},
          {"value", CellType::kF8}};
}

enum FlipColumn { kChanged, kCompared };
std::vector<Column> flip_columns() {
  return {{"changed", CellType::kU8}, {"compared", CellType::kU8}};
}

std::string tensor_path(std::size_t index, const std::string& name) {
  return text(trial_name(static_cast<std::int64_t>(index)), "_", stored_name(name));
}

Status write_summary(const h5::Node& file, const CheckpointRecord& record) {
  const TrialState& state = record.state;
  Table table(summary_columns(record));
  table.resize(1);
  table.set_integer(0, kNumber, record.number);
  table.set_text(0, kKey, record.key);
  table.set_text(0, kFingerprint, record.numeric_fingerprint);
  table.set_integer(0, kEpochs, state.epochs);
  table.set_integer(0, kSteps, state.steps);
  table.set_integer(0, kBatches, state.batches);
  table.set_integer(0, kRows, state.sums.rows);
  table.set_real(0, kError, state.sums.error);
  table.set_real(0, kCode, state.sums.code_sum);
  return h5::write_table(file, "summary", table);
}

Status write_history(const h5::Node& file, const std::vector<HistoryRow>& history) {
  Table table(history_columns());
  table.resize(history.size());
  for (std::size_t row = 0; row < history.size(); ++row) {
    table.set_integer(row, kEpoch, history[row].epoch);
    table.set_integer(row, kStep, history[row].step);
    table.set_integer(row, kMetric, history[row].metric);
    table.set_real(row, kValue, history[row].value);
  }
  return h5::write_table(file, "history", table);
}

template <class T>
Status write_numbers(const h5::Node& file, const char* name, CellType type,
                     const std::vector<T>& values) {
  const std::int64_t shape[] = {static_cast<std::int64_t>(values.size())};
  return h5::write_array(file, name, {"", type}, shape, std::as_bytes(std::span(values)));
}

Status write_sums(const h5::Node& file, const SplitSums& sums) {
  AESWEEP_RETURN_IF_ERROR(write_numbers(file, "terms", CellType::kF8, sums.terms));
  AESWEEP_RETURN_IF_ERROR(write_numbers(file, "unit_counts", CellType::kU8, sums.unit_counts));
  Table table(flip_columns());
  table.resize(sums.flips.size());
  for (std::size_t row = 0; row < sums.flips.size(); ++row) {
    table.set_unsigned(row, kChanged, sums.flips[row].changed);
    table.set_unsigned(row, kCompared, sums.flips[row].compared);
  }
  return h5::write_table(file, "flips", table);
}

Status write_tensors(const h5::Node& file, const std::vector<NamedTensor>& tensors) {
  h5::TextFit fit;
  for (const NamedTensor& tensor : tensors) fit.add(tensor.name);
  Table names({fit.column("name")});
  names.resize(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) names.set_text(i, 0, tensors[i].name);
  AESWEEP_RETURN_IF_ERROR(h5::write_table(file, "tensors", names));
  Result<h5::Node> group = h5::create_group(file, "tensor");
  if (!group.ok()) return group.status();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const NamedTensor& tensor = tensors[i];
    const CellType type = tensor.scalar == Scalar::kF32 ? CellType::kF4 : CellType::kF8;
    AESWEEP_RETURN_IF_ERROR(h5::write_array(*group, tensor_path(i, tensor.name), {"", type},
                                            tensor.shape, tensor.bytes));
  }
  return {};
}

Status write_contents(const h5::Node& file, const CheckpointRecord& record) {
  AESWEEP_RETURN_IF_ERROR(h5::set_attribute(file, ".", "format", kFormat));
  AESWEEP_RETURN_IF_ERROR(h5::set_attribute(file, ".", "format_version", kFormatVersion));
  AESWEEP_RETURN_IF_ERROR(write_summary(file, record));
  AESWEEP_RETURN_IF_ERROR(write_history(file, record.state.history));
  AESWEEP_RETURN_IF_ERROR(write_sums(file, record.state.sums));
  return write_tensors(file, record.state.tensors);
}

// About the file's size: its contents, and room for headers.
std::uint64_t estimated_bytes(const TrialState& state) {
  std::uint64_t bytes = (std::uint64_t{64} << 10) + state.history.size() * 32;
  bytes += (state.sums.terms.size() + state.sums.unit_counts.size()) * 8;
  bytes += state.sums.flips.size() * 16;
  for (const NamedTensor& tensor : state.tensors) bytes += tensor.bytes.size() + 1024;
  return bytes;
}

Status read_summary(const h5::Node& file, CheckpointRecord& record) {
  Result<Table> table = h5::read_table(file, "summary", summary_columns({}));
  if (!table.ok()) return table.status();
  if (table->rows() != 1) {
    return Status::world(text(file.where, ": its summary has ", table->rows(), " rows, not 1"));
  }
  record.number = table->integer(0, kNumber);
  record.key = table->text(0, kKey);
  record.numeric_fingerprint = table->text(0, kFingerprint);
  TrialState& state = record.state;
  state.epochs = table->integer(0, kEpochs);
  state.steps = table->integer(0, kSteps);
  state.batches = table->integer(0, kBatches);
  state.sums.rows = table->integer(0, kRows);
  state.sums.error = table->real(0, kError);
  state.sums.code_sum = table->real(0, kCode);
  const std::pair<const char*, std::int64_t> counts[] = {{"number", record.number},
                                                         {"epochs", state.epochs},
                                                         {"steps", state.steps},
                                                         {"batches", state.batches},
                                                         {"rows", state.sums.rows}};
  for (const auto& [name, value] : counts) {
    if (value < 0) {
      return Status::world(text(file.where, ": its ", name, " is ", value, ", below zero"));
    }
  }
  if (state.batches <= state.steps) return {};
  return Status::world(text(file.where, ": its ", state.batches,
                            " batches of the epoch exceed its ", state.steps, " steps"));
}

Status read_history(const h5::Node& file, std::vector<HistoryRow>& history) {
  Result<Table> table = h5::read_table(file, "history", history_columns());
  if (!table.ok()) return table.status();
  for (std::size_t row = 0; row < table->rows(); ++row) {
    const std::int64_t metric = table->integer(row, kMetric);
    if (metric < 0) {
      return Status::world(
          text(file.where, ": row ", row, " of its history names metric ", metric, ", below zero"));
    }
    history.push_back({table->integer(row, kEpoch), table->integer(row, kStep),
                       static_cast<std::int32_t>(metric), table->real(row, kValue)});
  }
  return {};
}

template <class T>
Status read_numbers(const h5::Node& file, const char* name, CellType type, std::vector<T>& values) {
  Result<h5::Array> array = h5::read_array(file, name);
  if (!array.ok()) return array.status();
  if (array->type != type || array->shape.size() != 1) {
    return Status::world(text(file.where, "/", name, ": not a list of the type of this version"));
  }
  values.resize(array->bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), array->bytes.data(), array->bytes.size());
  return {};
}

Status read_sums(const h5::Node& file, SplitSums& sums) {
  AESWEEP_RETURN_IF_ERROR(read_numbers(file, "terms", CellType::kF8, sums.terms));
  AESWEEP_RETURN_IF_ERROR(read_numbers(file, "unit_counts", CellType::kU8, sums.unit_counts));
  Result<Table> flips = h5::read_table(file, "flips", flip_columns());
  if (!flips.ok()) return flips.status();
  for (std::size_t row = 0; row < flips->rows(); ++row) {
    sums.flips.push_back(
        {flips->unsigned_integer(row, kChanged), flips->unsigned_integer(row, kCompared)});
  }
  return {};
}

Status read_tensors(const h5::Node& file, std::vector<NamedTensor>& tensors) {
  const Column name{"name", CellType::kText, 1};
  Result<Table> names = h5::read_table(file, "tensors", std::span(&name, 1));
  if (!names.ok()) return names.status();
  Result<h5::Node> group = h5::open_group(file, "tensor");
  if (!group.ok()) return group.status();
  for (std::size_t i = 0; i < names->rows(); ++i) {
    NamedTensor tensor;
    tensor.name = names->text(i, 0);
    const std::string path = tensor_path(i, tensor.name);
    Result<h5::Array> array = h5::read_array(*group, path);
    if (!array.ok()) return array.status();
    if (array->type != CellType::kF4 && array->type != CellType::kF8) {
      return Status::world(text(group->where, "/", path, ": neither f4 nor f8"));
    }
    tensor.scalar = array->type == CellType::kF4 ? Scalar::kF32 : Scalar::kF64;
    tensor.shape = std::move(array->shape);
    tensor.bytes = std::move(array->bytes);
    tensors.push_back(std::move(tensor));
  }
  return {};
}

Status read_contents(const h5::Node& file, CheckpointRecord& record) {
  AESWEEP_RETURN_IF_ERROR(h5::check_format(file, "a checkpoint", kFormat, kFormatVersion));
  AESWEEP_RETURN_IF_ERROR(read_summary(file, record));
  AESWEEP_RETURN_IF_ERROR(read_history(file, record.state.history));
  AESWEEP_RETURN_IF_ERROR(read_sums(file, record.state.sums));
  return read_tensors(file, record.state.tensors);
}

}  // namespace

Result<FileFacts> write_checkpoint(const std::string& path, const CheckpointRecord& record,
                                   std::uint64_t image_bytes_max) {
  return create_h5(path, estimated_bytes(record.state), image_bytes_max,
                   [&](const h5::Node& file) { return write_contents(file, record); });
}

Result<CheckpointRecord> read_checkpoint(const std::string& path, const FileFacts& expected,
                                         std::uint64_t image_bytes_max) {
  Result<std::unique_ptr<ByteSink>> image =
      open_verified(path, path, expected, {}, image_bytes_max);
  if (!image.ok()) return image.status();
  return fenced(path, [&]() -> Result<CheckpointRecord> {
    const h5::Session session;
    Result<h5::Node> file = h5::open_image(**image, path);
    if (!file.ok()) return file.status();
    CheckpointRecord record;
    const Status read = read_contents(*file, record);
    const Status closed = file->close();
    if ((*image)->error() != 0) return Status::world(path + ": cannot be read to its end");
    AESWEEP_RETURN_IF_ERROR(read);
    AESWEEP_RETURN_IF_ERROR(closed);
    return record;
  });
}

}  // namespace aesweep
