#include "runner/app/encode_command.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "core/base/text.hpp"
#include "core/codes/binarizer.hpp"
#include "core/model/given_weights.hpp"
#include "core/train/encoder.hpp"
#include "core/train/parameters.hpp"
#include "core/train/setup.hpp"
#include "runner/app/launcher.hpp"
#include "runner/app/plugin_probe.hpp"
#include "runner/app/sample_file.hpp"
#include "runner/app/trial_origin.hpp"
#include "runner/config/trial_config.hpp"
#include "runner/store/code_file.hpp"
#include "runner/store/fence.hpp"
#include "runner/store/results_reader.hpp"

namespace aesweep {
namespace {

// Samples and codes of one part, in memory at once.
constexpr std::int64_t kPartBytes = std::int64_t{64} << 20;

std::optional<Binarization> binarization_of(const std::string& name) {
  for (const Binarization kind :
       {Binarization::kZero, Binarization::kMean, Binarization::kMedian, Binarization::kItq}) {
    if (name == binarization_name(kind)) return kind;
  }
  return std::nullopt;
}

// A file's samples; they are scaled as the trial's data were.
Result<SampleFile> open_samples(const EncodeOptions& options, const StoredOrigin& origin) {
  auto scaling = origin.results.input_scaling(options.trial);
  if (!scaling.ok()) return scaling.status();
  if (scaling->first.empty()) {
    return Status::input(text(origin.results.path(), ": trial ", options.trial,
                              " does not say how the data became the network's input "
                              "(input_scale); run it again with record.weights: all"));
  }
  return SampleFile::open(options.data, {std::move(scaling->first), std::move(scaling->second),
                                         takes_data_as_stored(origin.config)});
}

Result<const Split*> split_of(const EncodeOptions& options, const Dataset& dataset) {
  const Split& split = options.split == "train"        ? dataset.train
                       : options.split == "validation" ? dataset.validation
                                                       : dataset.test;
  if (split.rows == 0) return Status::input(text("--split ", options.split, ": the run has none"));
  return &split;
}

// What is encoded: a split of the run's data, or a file.
struct Samples {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  const std::int32_t* labels = nullptr;
  std::int64_t rows_per_part = 0;  // Beside those of codes.
  const Split* split = nullptr;    // Either this,
  SampleFile* file = nullptr;      // or this.
};

Samples samples_of(const Split& split) {
  return {split.rows, split.cols, split.labels, split.rows, &split, nullptr};
}

// Columns that the trial takes; 0: not known.
Result<std::int64_t> input_columns(const StoredOrigin& origin, const TrialSpec& spec,
                                   std::span<const NamedTensor> weights) {
  auto scaling = origin.results.input_scaling(origin.trial.number);
  if (!scaling.ok()) return scaling.status();
  if (scaling->first.size() > 1) return static_cast<std::int64_t>(scaling->first.size());
  Result<StoredSamples> samples = origin.results.samples(origin.trial.number);
  if (!samples.ok()) return samples.status();
  if (!samples->inputs.shape.empty()) return samples->inputs.shape[1];
  const LayerSpec& first = spec.model.layers.front();
  const std::string name = stored_tensor_name(first.name + "_weights");
  for (const NamedTensor& tensor : weights) {
    const bool dense = first.layer.name == "dense" && tensor.shape.size() == 2;
    if (dense && tensor.name == name) return tensor.shape[0];
  }
  return 0;
}

// The steps that the trial was to have. Of one that ended early, and whose data are not here, as
// many a whole epoch as it had on average.
std::int64_t steps_planned(const StoredTrial& trial, const TrialSpec& spec,
                           const std::optional<std::int64_t>& of_data) {
  if (of_data) return *of_data;
  if (trial.epochs == 0 || trial.epochs >= spec.train.epochs) return trial.steps;
  return std::max(trial.steps, trial.steps / trial.epochs * spec.train.epochs);
}

// Codes as they are collected, part by part.
class Collected {
 public:
  Collected(std::int64_t units, Scalar scalar, bool bits) : scalar_(scalar) {
    if (bits) {
      stored_.packed = empty_codes(0, static_cast<int>(units));
    } else {
      stored_.real = {"codes", {0, units}, scalar, {}};
    }
  }
  void add(const PackedCodes& codes) {
    PackedCodes& all = *stored_.packed;
    all.words.insert(all.words.end(), codes.words.begin(), codes.words.end());
    all.rows += codes.rows;
  }
  void add(const RealCodes& codes) {
    NamedTensor& all = stored_.real;
    all.shape[0] += codes.rows;
    if (scalar_ == Scalar::kF64) return append(codes.codes);
    append(std::vector<float>(codes.codes.begin(), codes.codes.end()));  // They came from floats.
  }
  [[nodiscard]] StoredCodes take() { return std::move(stored_); }

 private:
  template <class V>
  void append(const std::vector<V>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    stored_.real.bytes.insert(stored_.real.bytes.end(), bytes.begin(), bytes.end());
  }

  Scalar scalar_;
  StoredCodes stored_;
};

// What the codes are made with and of. `run_data` is there where a split or a fit needs it.
struct Source {
  const StoredOrigin& origin;
  const TrialSpec& spec;
  const Catalogue& catalogue;
  Samples samples;
  const Dataset* run_data;
};

// One trained network, and the codes that it gives.
template <class T>
class Coder {
 public:
  Coder(const Source& source, const TrialSetup<T>& setup, std::int64_t rows_max)
      : source_(source),
        parameters_(setup.network, setup.partition, 0),
        encoder_(source.spec, setup.network, parameters_, source.origin.trial.steps, rows_max),
        units_(code_units(setup)) {
    parameters_.take(setup.given);
    std::optional<std::int64_t> planned;
    if (source.run_data != nullptr) planned = setup.total_steps;
    encoder_.ended_early(source.origin.trial.epochs,
                         steps_planned(source.origin.trial, source.spec, planned));
  }

  [[nodiscard]] static std::int64_t code_units(const TrialSetup<T>& setup) {
    return setup.network.layers()[static_cast<std::size_t>(setup.network.code_layer())].output_cols;
  }

  // Calls take(codes) for one part of the first `rows` samples after the other; a part is whole
  // batches, so the last one may go beyond.
  template <class Take>
  [[nodiscard]] Status encode(const Samples& samples, std::int64_t rows, const Take& take) {
    constexpr auto kCodeBytes = static_cast<std::int64_t>(2 * sizeof(double));
    const std::int64_t batch = std::min(encoder_.batch_rows(), samples.rows);
    std::int64_t part = std::min(samples.rows_per_part, kPartBytes / (units_ * kCodeBytes));
    if (samples.rows_per_part == samples.rows && samples.file != nullptr) part = samples.rows;
    part = std::max<std::int64_t>(1, part / batch) * batch;
    for (std::int64_t first = 0; first < rows; first += part) {
      const std::int64_t count = std::min(part, samples.rows - first);
      const auto values = static_cast<std::size_t>(count * units_);
      RealCodes codes{count, units_, std::vector<double>(values), std::vector<double>(values)};
      if (samples.file != nullptr) {
        Result<const Split*> piece = samples.file->read(first, count);
        if (!piece.ok()) return piece.status();
        AESWEEP_RETURN_IF_ERROR(encoder_.encode_part(**piece, 0, count, first, codes));
      } else {
        AESWEEP_RETURN_IF_ERROR(encoder_.encode_part(*samples.split, first, count, 0, codes));
      }
      AESWEEP_RETURN_IF_ERROR(take(codes));
    }
    return {};
  }

  // Fitted to the codes that evaluate.codes takes for its database.
  [[nodiscard]] Result<Binarizer> fit(Binarization kind) {
    const Split& train = source_.run_data->train;
    const auto& evaluated = source_.spec.evaluate.codes;
    const bool cut = evaluated && evaluated->database > 0;
    const std::int64_t rows = cut ? std::min(evaluated->database, train.rows) : train.rows;
    RealCodes database{rows, units_, {}, {}};
    const Status encoded = encode(samples_of(train), rows, [&](const RealCodes& codes) {
      const auto left = static_cast<std::size_t>(rows * units_) - database.codes.size();
      const auto taken = static_cast<std::ptrdiff_t>(std::min(left, codes.codes.size()));
      database.codes.insert(database.codes.end(), codes.codes.begin(), codes.codes.begin() + taken);
      database.pre.insert(database.pre.end(), codes.pre.begin(), codes.pre.begin() + taken);
      return Status();
    });
    if (!encoded.ok()) return encoded;
    return Binarizer::fit(kind, database, source_.spec.train.seed);
  }

 private:
  const Source& source_;
  Parameters<T> parameters_;
  Encoder<T> encoder_;
  std::int64_t units_;
};

// What would only show when the codes are written.
Status check_format(const EncodeOptions& options, std::int64_t units) {
  Result<CodeFormat> format = code_format(options.out);
  if (!format.ok()) return format.status();
  if (!options.binarize.empty() && units > kCodeBitsMax) {
    return Status::input(text("--binarize ", options.binarize, ": the trial's code has ", units,
                              " units, codes of bits at most ", kCodeBitsMax,
                              "; leave --binarize out"));
  }
  if (*format != CodeFormat::kFaiss) return {};
  if (options.binarize.empty()) {
    return Status::input(options.out +
                         ": .faiss holds binary codes; add --binarize, or write .npy or .h5");
  }
  if (units % 8 == 0) return {};
  return Status::input(text(options.out, ": .faiss holds codes of a multiple of 8 bits, trial ",
                            options.trial, " has ", units, "; write .npy or .h5"));
}

template <class T>
Result<StoredCodes> make_codes(const Source& source, const EncodeOptions& options) {
  const Samples& samples = source.samples;
  const Dataset* data = source.run_data;
  DataExtent extent{samples.rows, samples.rows, samples.cols};
  if (data != nullptr) {
    extent = extent_of(*data);
    extent.test_rows = samples.rows;  // Just these: a shorter split may have longer shards.
  }
  Result<TrialSetup<T>> setup = set_up_trial<T>(source.spec, source.catalogue, extent, 0, 1);
  if (!setup.ok()) {
    return setup.status().in(text("trial ", options.trial, " with ", samples.cols, " columns"));
  }
  const std::int64_t units = Coder<T>::code_units(*setup);
  AESWEEP_RETURN_IF_ERROR(check_format(options, units));
  Coder<T> coder(source, *setup, std::max(samples.rows, data == nullptr ? 0 : data->train.rows));
  const std::optional<Binarization> kind = binarization_of(options.binarize);
  std::optional<Binarizer> fitted;
  if (kind && kind != Binarization::kZero) {
    Result<Binarizer> fit = coder.fit(*kind);
    if (!fit.ok()) return fit.status();
    fitted = std::move(*fit);
  }
  Collected collected(units, source.spec.model.scalar, kind.has_value());
  AESWEEP_RETURN_IF_ERROR(coder.encode(samples, samples.rows, [&](const RealCodes& codes) {
    if (!kind) {
      collected.add(codes);
    } else if (fitted) {
      collected.add(fitted->pack(codes));
    } else {  // Its threshold is the same for any codes.
      Result<Binarizer> zero = Binarizer::fit(*kind, codes, source.spec.train.seed);
      if (!zero.ok()) return zero.status();
      collected.add(zero->pack(codes));
    }
    return Status();
  }));
  StoredCodes stored = collected.take();
  if (samples.labels != nullptr) {
    stored.labels.assign(samples.labels, samples.labels + samples.rows);
  }
  stored.origin = {source.origin.results.name(), options.trial, source.origin.trial.key,
                   kind ? options.binarize : "none"};
  return stored;
}

Status check_width(const EncodeOptions& options, const Source& source) {
  const auto& weights = *source.spec.model.given_weights->tensors;
  Result<std::int64_t> cols = input_columns(source.origin, source.spec, weights);
  if (!cols.ok()) return cols.status();
  if (*cols == 0 || *cols == source.samples.cols) return {};
  return Status::input(text(options.data, ": has ", source.samples.cols, " columns, trial ",
                            options.trial, " takes ", *cols));
}

Status write(const EncodeOptions& options, const StoredCodes& codes, std::int64_t rows) {
  AESWEEP_RETURN_IF_ERROR(write_codes(options.out, codes));
  const std::string line = text(
      options.out, ": ", rows, " codes of ",
      codes.packed ? text(codes.packed->bits, " bits") : text(codes.real.shape[1], " units"), "\n");
  std::fputs(line.c_str(), stdout);
  return {};
}

Status encode(const EncodeOptions& options, PluginProbe& probe) {
  Result<CodeFormat> format = code_format(options.out);
  if (!format.ok()) return format.status();
  Result<ResultsReader> results = ResultsReader::open(options.run);
  if (!results.ok()) return results.status();
  Result<StoredTrial> trial = results->trial(options.trial);
  if (!trial.ok()) return trial.status();
  Result<std::string> config = results->config(options.trial);
  if (!config.ok()) return config.status();
  auto weights = results->weights(options.trial, WeightsOf::kFinal);
  if (!weights.ok()) return weights.status();
  const StoredOrigin origin{*results, std::move(*trial), std::move(*config)};

  Result<Document> document = stored_experiment(*results);
  if (!document.ok()) return document.status();
  Catalogue catalogue;
  AESWEEP_RETURN_IF_ERROR(load_components(*document, options.plugins, probe, catalogue));
  Result<TrialSpec> spec = parse_trial_config(origin.config, catalogue);
  if (!spec.ok()) {
    return spec.status().in(text("trial ", options.trial, ", whose libraries --plugin names"));
  }
  std::vector<std::string> warnings;
  AESWEEP_RETURN_IF_ERROR(check_components(origin, *spec, catalogue, warnings));
  for (const std::string& warning : warnings) {
    std::fputs(text("aesweep: warning: ", warning, "\n").c_str(), stderr);
  }

  std::unique_ptr<RunData> run_data;
  const bool fits = !options.binarize.empty() && options.binarize != "zero";
  if (fits || options.data.empty()) {
    auto loaded = load_trial_data(origin, options.data_dir, *spec, catalogue);
    if (!loaded.ok()) {
      return loaded.status().in(fits ? "--binarize " + options.binarize + " needs the run's data"
                                     : "--split needs the run's data");
    }
    run_data = std::move(*loaded);
  }
  spec->model.given_weights =
      GivenWeights{std::make_shared<const std::vector<NamedTensor>>(std::move(*weights)), {}, {}};
  std::optional<SampleFile> file;
  Source source{origin, *spec, catalogue, {}, run_data ? &run_data->dataset : nullptr};
  if (options.data.empty()) {
    Result<const Split*> split = split_of(options, run_data->dataset);
    if (!split.ok()) return split.status();
    source.samples = samples_of(**split);
  } else {
    Result<SampleFile> opened = open_samples(options, origin);
    if (!opened.ok()) return opened.status();
    file = std::move(*opened);
    source.samples = {file->rows(), file->cols(), nullptr, file->rows_per_part(kPartBytes),
                      nullptr,      &*file};
    AESWEEP_RETURN_IF_ERROR(check_width(options, source));
  }
  Result<StoredCodes> codes = spec->model.scalar == Scalar::kF32
                                  ? make_codes<float>(source, options)
                                  : make_codes<double>(source, options);
  if (!codes.ok()) return codes.status();
  return write(options, *codes, source.samples.rows);
}

}  // namespace

Status encode_codes(const EncodeOptions& options) {
  if (launch_place().rank != 0) return {};  // One process of a launch works for all.
  Result<PluginProbe> probe = start_plugin_probe();
  if (!probe.ok()) return probe.status();
  return fenced(
      text("encode ", options.data.empty() ? "--split " + options.split : options.data),
      [&] { return encode(options, *probe); }, "encode fewer samples at a time, by --data");
}

}  // namespace aesweep
