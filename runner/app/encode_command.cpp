#include "runner/app/encode_command.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <utility>

#include "core/base/buffer.hpp"
#include "core/base/text.hpp"
#include "core/codes/binarizer.hpp"
#include "core/data/convert.hpp"
#include "core/data/source.hpp"
#include "core/model/given_weights.hpp"
#include "core/train/encoder.hpp"
#include "core/train/parameters.hpp"
#include "core/train/setup.hpp"
#include "runner/app/launcher.hpp"
#include "runner/app/load_experiment.hpp"
#include "runner/app/plugin_probe.hpp"
#include "runner/config/trial_config.hpp"
#include "runner/plugin_host/plugin_host.hpp"
#include "runner/store/code_file.hpp"
#include "runner/store/results_reader.hpp"
#include "runner/sweep/services.hpp"

namespace aesweep {
namespace {

// Samples, and what keeps them alive.
struct Samples {
  std::vector<std::byte> bytes;
  std::pair<std::vector<double>, std::vector<double>> scaling;
  Split split;
};

// The run's own data, in a block of this process's own.
struct RunData {
  Buffer<std::byte> block;
  Dataset dataset;
};

std::optional<Binarization> binarization_of(const std::string& name) {
  for (const Binarization kind :
       {Binarization::kZero, Binarization::kMean, Binarization::kMedian, Binarization::kItq}) {
    if (name == binarization_name(kind)) return kind;
  }
  return std::nullopt;
}

// A file's samples, scaled as the trial's data were: one per index of the first dimension.
Result<std::unique_ptr<Samples>> read_samples(const EncodeOptions& options,
                                              const ResultsReader& results) {
  auto samples = std::make_unique<Samples>();
  auto scaling = results.input_scaling(options.trial);
  if (!scaling.ok()) return scaling.status();
  samples->scaling = std::move(*scaling);
  auto& [scale, shift] = samples->scaling;
  if (scale.empty() || scale.size() != shift.size()) {
    return Status::input(text(results.path(),
                              ": /trial does not say how the data became the "
                              "network's input (input_scale); run the trial again "
                              "with record.weights: true"));
  }
  auto array = open_array(parse_array_ref(options.data), hdf5_opener());
  if (!array.ok()) return array.status();
  const ArrayShape& shape = (*array)->shape();
  if (shape.dims.empty()) {
    return Status::input(text(options.data, ": a single number has no samples"));
  }
  if (shape.bytes() > kSampleBytesMax) {
    return Status::input(text(options.data, ": ", shape.bytes(), " bytes are more than ",
                              kSampleBytesMax, "; encode it in parts"));
  }
  Split& split = samples->split;
  split.element = element_of(shape.type);
  split.rows = shape.dims[0];
  split.cols = static_cast<std::int64_t>(shape.element_count()) / split.rows;
  std::vector<std::byte> stored(static_cast<std::size_t>(shape.bytes()));
  AESWEEP_RETURN_IF_ERROR((*array)->read(0, stored));
  samples->bytes.resize(static_cast<std::size_t>(shape.element_count()) *
                        element_bytes(split.element));
  AESWEEP_RETURN_IF_ERROR(convert(shape.type, stored, samples->bytes.data()).in(options.data));
  split.samples = samples->bytes.data();
  if (scale.size() == 1) {
    split.scale = scale[0];
    split.shift = shift[0];
  } else if (static_cast<std::int64_t>(scale.size()) == split.cols) {
    split.col_scale = scale.data();
    split.col_shift = shift.data();
  } else {
    return Status::input(text(options.data, ": has ", split.cols, " columns, but trial ",
                              options.trial, " was trained on ", scale.size()));
  }
  return samples;
}

std::vector<Override> overrides_of(const std::string& lines) {
  std::vector<Override> overrides;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) {
      overrides.push_back({line.substr(0, equals), line.substr(equals + 1)});
    }
  }
  return overrides;
}

// From the experiment that the results hold; its relative paths begin at the present folder.
Result<std::unique_ptr<RunData>> load_run_data(const EncodeOptions& options,
                                               const ResultsReader& results, PluginProbe& probe,
                                               Catalogue& catalogue) {
  auto texts = results.experiment();
  if (!texts.ok()) return texts.status();
  const ExperimentOptions asked = {"experiment of the results", options.data_dir,
                                   overrides_of(texts->second)};
  const Result<Experiment> experiment = load_experiment(texts->first, asked, probe, catalogue);
  if (!experiment.ok()) return experiment.status();
  const Result<DatasetLayout> layout = inspect(experiment->data, hdf5_opener());
  if (!layout.ok()) return layout.status();
  auto data = std::make_unique<RunData>();
  data->block = Buffer<std::byte>(static_cast<std::size_t>(layout->bytes));
  AESWEEP_RETURN_IF_ERROR(
      load(experiment->data, layout.value(), data->block.span(), hdf5_opener()));
  Result<Dataset> dataset = view(experiment->data, layout.value(), data->block.span());
  if (!dataset.ok()) return dataset.status();
  data->dataset = std::move(*dataset);
  return data;
}

Result<const Split*> split_of(const EncodeOptions& options, const Dataset& dataset) {
  const Split& split = options.split == "train"        ? dataset.train
                       : options.split == "validation" ? dataset.validation
                                                       : dataset.test;
  if (split.rows == 0) return Status::input(text("--split ", options.split, ": the run has none"));
  return &split;
}

template <class T>
void take_weights(const TrialSetup<T>& setup, Parameters<T>& parameters) {
  const auto take = [&](const Tensor& tensor, int index, T* values) {
    if (index < 0) return;
    copy_given((*setup.given.tensors)[static_cast<std::size_t>(index)],
               std::span(values, tensor.elements));
  };
  for (std::size_t t = 0; t < setup.given.learned.size(); ++t) {
    take(setup.network.tensors()[t], setup.given.learned[t], parameters.real(static_cast<int>(t)));
  }
  for (std::size_t b = 0; b < setup.given.buffers.size(); ++b) {
    take(setup.network.buffers()[b], setup.given.buffers[b],
         parameters.buffer(static_cast<int>(b)));
  }
}

template <class T>
Result<RealCodes> codes_of(Encoder<T>& encoder, const Split& split, std::int64_t units) {
  const auto values = static_cast<std::size_t>(split.rows * units);
  RealCodes codes{split.rows, units, std::vector<double>(values), std::vector<double>(values)};
  AESWEEP_RETURN_IF_ERROR(encoder.encode(split, 0, split.rows, codes));
  return codes;
}

NamedTensor tensor_of(const RealCodes& codes, Scalar scalar) {
  NamedTensor tensor{"codes", {codes.rows, codes.units}, scalar, {}};
  const auto copy = [&](const auto& values) {
    const auto bytes = std::as_bytes(std::span(values));
    tensor.bytes.assign(bytes.begin(), bytes.end());
  };
  if (scalar == Scalar::kF64) {
    copy(codes.codes);
  } else {  // They came from floats.
    copy(std::vector<float>(codes.codes.begin(), codes.codes.end()));
  }
  return tensor;
}

// What the codes are made with and of. `run_data` is there where a split or a fit needs it.
struct Source {
  const TrialSpec& spec;
  const Catalogue& catalogue;
  const Split& split;
  const Dataset* run_data;
};

template <class T>
Result<StoredCodes> make_codes(const Source& source, const EncodeOptions& options) {
  const Split& split = source.split;
  const DataExtent extent = {split.rows, split.rows, split.cols};
  Result<TrialSetup<T>> setup = set_up_trial<T>(source.spec, source.catalogue, extent, 0, 1);
  if (!setup.ok()) {
    return setup.status().in(text("trial ", options.trial, " with ", split.cols, " columns"));
  }
  Parameters<T> parameters(setup->network, setup->partition, 0);
  take_weights(*setup, parameters);
  const std::int64_t steps = setup->total_steps;
  const Split* fitted = source.run_data == nullptr ? &split : &source.run_data->train;
  Encoder<T> encoder(source.spec, setup->network, parameters, steps,
                     std::max(split.rows, fitted->rows));
  const std::int64_t units =
      setup->network.layers()[static_cast<std::size_t>(setup->network.code_layer())].output_cols;
  Result<RealCodes> codes = codes_of(encoder, split, units);
  if (!codes.ok()) return codes.status();
  StoredCodes stored;
  if (split.labels != nullptr) stored.labels.assign(split.labels, split.labels + split.rows);
  const std::optional<Binarization> kind = binarization_of(options.binarize);
  stored.origin.binarization = kind ? options.binarize : "none";
  if (!kind) {
    stored.real = tensor_of(*codes, source.spec.model.scalar);
    return stored;
  }
  std::optional<RealCodes> database;
  if (kind != Binarization::kZero) {  // Whose threshold is the same for any codes.
    Result<RealCodes> train = codes_of(encoder, *fitted, units);
    if (!train.ok()) return train.status();
    database = std::move(*train);
  }
  const Result<Binarizer> binarizer =
      Binarizer::fit(*kind, database ? *database : *codes, source.spec.train.seed);
  if (!binarizer.ok()) return binarizer.status();
  stored.packed = binarizer->pack(*codes);
  return stored;
}

}  // namespace

Status encode_codes(const EncodeOptions& options) {
  if (launch_place().rank != 0) return {};  // One process of a launch works for all.
  const Result<CodeFormat> format = code_format(options.out);
  if (!format.ok()) return format.status();
  Result<PluginProbe> probe = start_plugin_probe();
  if (!probe.ok()) return probe.status();
  Result<ResultsReader> results = ResultsReader::open(options.run);
  if (!results.ok()) return results.status();
  const Result<std::string> config = results->config(options.trial);
  if (!config.ok()) return config.status();
  auto weights = results->weights(options.trial, WeightsOf::kFinal);
  if (!weights.ok()) return weights.status();

  Catalogue catalogue;
  std::unique_ptr<RunData> run_data;
  std::unique_ptr<Samples> samples;
  const bool fits = !options.binarize.empty() && options.binarize != "zero";
  if (fits || options.data.empty()) {
    auto loaded = load_run_data(options, *results, *probe, catalogue);
    if (!loaded.ok()) {
      return loaded.status().in(fits ? "--binarize " + options.binarize + " needs the run's data"
                                     : "--split needs the run's data");
    }
    run_data = std::move(*loaded);
  } else {
    AESWEEP_RETURN_IF_ERROR(load_builtins(catalogue));
  }
  for (const std::string& plugin : options.plugins) {
    const std::string path = std::filesystem::absolute(plugin).string();
    AESWEEP_RETURN_IF_ERROR(load_probed_plugins({path}, *probe, catalogue));
  }
  const Split* split = nullptr;
  if (options.data.empty()) {
    Result<const Split*> chosen = split_of(options, run_data->dataset);
    if (!chosen.ok()) return chosen.status();
    split = *chosen;
  } else {
    auto read = read_samples(options, *results);
    if (!read.ok()) return read.status();
    samples = std::move(*read);
    split = &samples->split;
  }
  Result<TrialSpec> spec = parse_trial_config(config.value(), catalogue);
  if (!spec.ok()) return spec.status();
  spec->model.given_weights =
      GivenWeights{std::make_shared<const std::vector<NamedTensor>>(std::move(*weights)), {}, {}};
  const Source source = {*spec, catalogue, *split, run_data ? &run_data->dataset : nullptr};
  Result<StoredCodes> codes = spec->model.scalar == Scalar::kF32
                                  ? make_codes<float>(source, options)
                                  : make_codes<double>(source, options);
  if (!codes.ok()) return codes.status();
  codes->origin.run = results->name();
  codes->origin.trial = options.trial;
  AESWEEP_RETURN_IF_ERROR(write_codes(options.out, *codes));
  const std::string line = text(
      options.out, ": ", split->rows, " codes of ",
      codes->packed ? text(codes->packed->bits, " bits") : text(codes->real.shape[1], " units"),
      "\n");
  std::fputs(line.c_str(), stdout);
  return {};
}

}  // namespace aesweep
