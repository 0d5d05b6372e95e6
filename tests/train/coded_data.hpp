// A labelled data set and an untrained network, for tests of encoders.
#pragma once

#include <cstdint>
#include <vector>

#include "core/train/parameters.hpp"
#include "core/train/setup.hpp"
#include "tests/support/builtins.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {

constexpr std::int64_t kCodedCols = 12;

// Labels of both splits; 101 training and 37 test samples.
struct CodedData {
  CodedData() : source(101, 37, kCodedCols) {
    dataset = source.dataset();
    for (int i = 0; i < 37; ++i) test_labels.push_back((3 * i + 1) % 10);
    dataset.test.labels = test_labels.data();
  }

  SmallData source;
  std::vector<std::int32_t> test_labels;
  Dataset dataset;
};

inline TrialSpec coded_spec(const ComponentSpec& activation, std::int64_t units = 7) {
  TrialSpec spec;
  spec.model.scalar = Scalar::kF64;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("in", 9, "tanh"), dense("code", units, ""), dense("out", 0, "")};
  if (!activation.name.empty()) spec.model.layers[1].activation = activation;
  spec.optimizer = {"adam", {{"lr", 0.01}}};
  spec.train.batch_rows = 30;
  spec.train.shard_rows = 7;
  spec.train.seed = 5;
  return spec;
}

// A network with its initial weights. Not movable: parameters point into the setup.
template <class T>
struct Coder {
  explicit Coder(const TrialSpec& spec, const Dataset& data)
      : setup(set_up_trial<T>(spec, builtins(), extent_of(data), 0, 1).value()),
        parameters(setup.network, setup.partition, 0) {}
  Coder(const Coder&) = delete;
  Coder& operator=(const Coder&) = delete;

  TrialSetup<T> setup;
  Parameters<T> parameters;
};

}  // namespace aesweep::test
