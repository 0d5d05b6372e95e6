// WholeBatch: a network in double on a small split that is one batch of uneven shards, as a
// function of its weights: its loss, and the gradient of one training step. For checks by
// differences.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/model/catalogue.hpp"
#include "core/train/trainer.hpp"
#include "tests/train/small_data.hpp"

namespace aesweep::test {

class WholeBatch {
 public:
  static constexpr std::int64_t kRows = 13;
  static constexpr std::int64_t kCols = 9;

  // Training and test split are the same rows.
  WholeBatch(TrialSpec spec, const Catalogue& catalogue);
  WholeBatch(const WholeBatch&) = delete;
  WholeBatch& operator=(const WholeBatch&) = delete;

  // All learned values, tensor after tensor.
  [[nodiscard]] std::vector<double> weights();
  void set_weights(std::span<const double> all);

  // Loss and penalties in evaluation.
  [[nodiscard]] double loss();
  // Loss and penalties as a training step sees them. It changes weights and buffers afterwards.
  [[nodiscard]] double training_loss();
  // Their gradient, in the order of weights(). A training step, too.
  [[nodiscard]] std::vector<double> gradient();

  [[nodiscard]] Trainer<double>& trainer() { return *trainer_; }
  [[nodiscard]] const Dataset& dataset() const { return dataset_; }

 private:
  [[nodiscard]] const std::vector<Tensor>& tensors() { return trainer_->network().tensors(); }
  // Trains one step and returns the sums of its batch.
  [[nodiscard]] SplitSums train();

  TrialSpec spec_;
  SmallData data_;
  Dataset dataset_;
  SoloExchange exchange_;
  std::optional<Trainer<double>> trainer_;
  std::vector<std::int64_t> order_;
};

}  // namespace aesweep::test
