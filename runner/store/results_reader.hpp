// ResultsReader: the results.h5 of a run, read back: by commands that look at finished trials, and
// by runs that start from their weights. FORMAT.md is the format.
//
// Takes any file of major version 1; what it does not find where the format says, or of another
// type or shape, is an input fault that names path and object. One thread per reader.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.hpp"
#include "core/model/named_tensor.hpp"

namespace aesweep {

enum class WeightsOf { kInitial, kFinal };

struct StoredTrial {
  std::int64_t number = 0;
  std::string key;
  std::string label;
  std::int64_t epochs = 0;  // Finished.
  std::int64_t steps = 0;
  std::string status;                                   // "completed", ...
  std::vector<std::pair<std::string, double>> metrics;  // Stored name ("test_mse") and last value.
};

// The first test samples. Empty tensors (no shape) where not recorded; f64 or f32 as stored.
struct StoredSamples {
  NamedTensor inputs;           // [sample, input]
  NamedTensor codes;            // [sample, unit]
  NamedTensor reconstructions;  // [sample, input]; with label targets predictions[sample, class].
  bool predictions = false;
  std::vector<std::int32_t> labels;  // Empty: the data has none.
};

struct StoredPlugin {
  std::string kind;
  std::string name;
  std::string library;
  std::string sha256;
};

class ResultsReader {
 public:
  // `run`: a run's folder, or a file. A missing file, one of a run that has not ended ("no /trial
  // yet: `aesweep rebuild` ..."), or another format is an input fault.
  [[nodiscard]] static Result<ResultsReader> open(const std::string& run);
  ResultsReader(ResultsReader&&) noexcept;
  ResultsReader& operator=(ResultsReader&&) noexcept;
  ~ResultsReader();

  [[nodiscard]] const std::string& path() const;    // Of the file.
  [[nodiscard]] const std::string& name() const;    // Of the experiment.
  [[nodiscard]] const std::string& metric() const;  // By which trials are compared: "test/mse".
  [[nodiscard]] const std::vector<StoredTrial>& trials() const;  // By ascending number.
  [[nodiscard]] const std::vector<StoredPlugin>& plugins() const;
  // The trial's row; an input fault says which numbers there are.
  [[nodiscard]] Result<StoredTrial> trial(std::int64_t number) const;

  [[nodiscard]] Result<std::string> config(std::int64_t number) const;  // Resolved, YAML.
  // The experiment's text as given, and what --set changed, one KEY=VALUE a line.
  [[nodiscard]] Result<std::pair<std::string, std::string>> experiment() const;
  // /runtime/<name>: a text of what the run happened to have; empty where it is not there.
  [[nodiscard]] Result<std::string> fact(const std::string& name) const;
  // Stored names ("code_weights"), in the order of names. An input fault where none were recorded.
  [[nodiscard]] Result<std::vector<NamedTensor>> weights(std::int64_t number, WeightsOf when) const;
  [[nodiscard]] Result<StoredSamples> samples(std::int64_t number) const;
  // input_scale and input_shift (format 1.3); empty where the file is older.
  [[nodiscard]] Result<std::pair<std::vector<double>, std::vector<double>>> input_scaling(
      std::int64_t number) const;

 private:
  struct State;
  explicit ResultsReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace aesweep
