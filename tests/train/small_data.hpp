// A small data set in memory, made from a formula, for tests of training.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/data/dataset.hpp"

namespace aesweep::test {

// Values in [0, 1], stored as f64; train and test differ. With labels 0..9.
class SmallData {
 public:
  SmallData(std::int64_t train_rows, std::int64_t test_rows, std::int64_t cols)
      : train_(values(train_rows * cols, 0.37)), test_(values(test_rows * cols, 0.61)) {
    for (std::int64_t i = 0; i < train_rows; ++i)
      labels_.push_back(static_cast<std::int32_t>(i % 10));
    dataset_.train = split(train_, train_rows, cols);
    dataset_.test = split(test_, test_rows, cols);
    dataset_.train.labels = labels_.data();
    dataset_.fingerprint = "small";
  }

  [[nodiscard]] const Dataset& dataset() const { return dataset_; }

 private:
  static std::vector<double> values(std::int64_t count, double phase) {
    std::vector<double> v;
    for (std::int64_t i = 0; i < count; ++i) {
      v.push_back(0.5 + 0.5 * std::sin(phase + 1.7 * static_cast<double>(i * i % 101)));
    }
    return v;
  }

  static Split split(const std::vector<double>& values, std::int64_t rows, std::int64_t cols) {
    Split s;
    s.element = Element::kF64;
    s.rows = rows;
    s.cols = cols;
    s.samples = reinterpret_cast<const std::byte*>(values.data());
    for (std::int64_t j = 0; j < cols; ++j) {
      double mean = 0.0;
      for (std::int64_t i = 0; i < rows; ++i)
        mean += values[static_cast<std::size_t>(i * cols + j)];
      mean /= static_cast<double>(rows);
      for (std::int64_t i = 0; i < rows; ++i) {
        const double d = values[static_cast<std::size_t>(i * cols + j)] - mean;
        s.variation += d * d;
      }
    }
    return s;
  }

  std::vector<double> train_;
  std::vector<double> test_;
  std::vector<std::int32_t> labels_;
  Dataset dataset_;
};

}  // namespace aesweep::test
