#include "tests/store/sample_trials.hpp"

#include <cstring>
#include <utility>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

template <class T>
std::vector<std::byte> counting_bytes(std::size_t count, double first) {
  std::vector<std::byte> bytes(count * sizeof(T));
  for (std::size_t i = 0; i < count; ++i) {
    const T value = static_cast<T>(first + static_cast<double>(i));
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

}  // namespace

NamedTensor counting_tensor(std::string name, std::vector<std::int64_t> shape, Scalar scalar,
                            double first) {
  std::size_t count = 1;
  for (const std::int64_t dim : shape) count *= static_cast<std::size_t>(dim);
  return {std::move(name), std::move(shape), scalar,
          scalar == Scalar::kF32 ? counting_bytes<float>(count, first)
                                 : counting_bytes<double>(count, first)};
}

TrialResult sample_result(std::int64_t number, std::int64_t epochs) {
  const double base = static_cast<double>(number);
  TrialResult result;
  result.epochs = epochs;
  result.steps = 37 * epochs;
  result.metrics = {{"train/loss", "1", "sum over loss terms"},
                    {"test/fvu", "1", "squared error / variation"}};
  for (std::int64_t epoch = 1; epoch <= epochs; ++epoch) {
    const double at = static_cast<double>(epoch);
    result.history.push_back({epoch, 37 * epoch, 0, base + 1.0 / at});
    result.history.push_back({epoch, 37 * epoch, 1, base - 1.0 / at});
  }
  result.weights_initial = {counting_tensor("code/weights", {7, 3}, Scalar::kF32, base),
                            counting_tensor("code/bias", {3}, Scalar::kF32, base + 0.5)};
  result.weights_final = {counting_tensor("code/weights", {7, 3}, Scalar::kF32, base + 100),
                          counting_tensor("code/bias", {3}, Scalar::kF32, base + 100.5)};
  for (int i = 0; i < 7; ++i) {
    result.input_scale.push_back(1.0 / (base + i));
    result.input_shift.push_back(base - i);
  }
  result.samples = {counting_tensor("inputs", {5, 7}, Scalar::kF32, base),
                    counting_tensor("codes", {5, 3}, Scalar::kF32, base + 1),
                    counting_tensor("reconstructions", {5, 7}, Scalar::kF32, base + 2)};
  result.sample_labels = {7, 2, 1, 0, static_cast<std::int32_t>(number)};
  return result;
}

TrialRecord sample_record(std::int64_t number, const TrialResult& result) {
  TrialRecord record;
  record.number = number;
  record.key = text("key-of-trial-", number);
  record.seed = static_cast<std::uint64_t>(number) + (std::uint64_t{1} << 63);
  record.label = text("lr=", number);
  record.config = text("trial: ", number, "\nmodel:\n  layers: [code]\n");
  record.parameters = {{"optimizer.lr", 0.125 * static_cast<double>(number)},
                       {"model.units", number + 10},
                       {"train.shuffle", number % 2 == 0},
                       {"model.activation", std::string(number % 2 == 0 ? "tanh" : "relu")}};
  record.result = &result;
  return record;
}

TrialSource store_trial(const std::string& folder, const TrialRecord& record) {
  TrialSource source;
  source.path = folder + "/" + trial_file_name(record.number, record.attempt);
  source.number = record.number;
  source.attempt = record.attempt;
  Result<FileFacts> facts = write_trial(source.path, record);
  AESWEEP_CHECK(facts.ok(), facts.status().message());
  source.expected = *facts;
  return source;
}

RunRecord sample_run() {
  RunRecord run;
  run.name = "sample";
  run.experiment_text = "schema: 1\nname: sample  # as given\n";
  run.overrides = "train.epochs=3\ntrain.seed=2";
  run.metric = "test/fvu";
  run.plugins = {{"activation", "tanh", "activations", "0.1.0", std::string(64, 'a'), "0.1"},
                 {"layer", "dense", "layers", "0.1.0", std::string(64, 'b'), "0.1"}};
  run.data_fingerprint = std::string(64, 'd');
  run.numeric_fingerprint = std::string(64, 'f');
  run.numerics_version = 1;
  run.software_version = "0.1.0";
  run.revision = "0123abc";
  run.runtime = {{"started", "2020-01-01T00:00:00Z"}, {"host", "node1"}};
  run.trial_runtime = {{2, 1, 1, "node1", 0.5, false, true, std::string(64, 'f')},
                       {1, 1, 2, "node1", 0.25, true, false, std::string(64, 'e')}};
  return run;
}

}  // namespace aesweep
