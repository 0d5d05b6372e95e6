// The networks that the benchmarks train, and data for them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/model/spec.hpp"
#include "core/train/setup.hpp"

namespace aesweep {

struct BenchmarkNetwork {
  std::string name;
  std::vector<std::int64_t> widths;  // Of the data, then of every layer.
  std::int64_t batch_rows;
};

// 784-400-784, 784-1024-784 and 784-250-10-250-784.
[[nodiscard]] std::vector<BenchmarkNetwork> benchmark_networks();

// A sparse autoencoder as people train it: tanh code with an L1 penalty, relu elsewhere, sigmoid
// output, mean squared error, Adam.
[[nodiscard]] TrialSpec training_spec(const BenchmarkNetwork& network);

// Random bytes in place of images: values do not change the time of a step.
class BenchmarkData {
 public:
  BenchmarkData(std::int64_t rows, std::int64_t cols);
  [[nodiscard]] const Dataset& dataset() const { return dataset_; }
  [[nodiscard]] DataExtent extent() const;

 private:
  std::vector<std::byte> samples_;
  Dataset dataset_;
};

}  // namespace aesweep
