#include "tests/train/whole_batch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace aesweep::test {
namespace {

double total(const SplitSums& sums) {
  return std::accumulate(sums.terms.begin(), sums.terms.end(), 0.0) / WholeBatch::kRows;
}

}  // namespace

WholeBatch::WholeBatch(TrialSpec spec, const Catalogue& catalogue)
    : spec_(std::move(spec)), data_(kRows, kRows, kCols), dataset_(data_.dataset()) {
  dataset_.test = dataset_.train;
  spec_.train.batch_rows = kRows;
  spec_.train.shard_rows = 4;
  auto setup = set_up_trial<double>(spec_, catalogue, {kRows, kRows, kCols}, 0, 1);
  EXPECT_TRUE(setup.ok()) << setup.status().message();
  trainer_.emplace(spec_, dataset_, exchange_, std::move(setup).value());
  order_.resize(kRows);
  std::iota(order_.begin(), order_.end(), 0);
}

std::vector<double> WholeBatch::weights() {
  std::vector<double> all;
  for (std::size_t t = 0; t < tensors().size(); ++t) {
    const double* w = trainer_->parameters().real(static_cast<int>(t));
    all.insert(all.end(), w, w + tensors()[t].elements);
  }
  return all;
}

void WholeBatch::set_weights(std::span<const double> all) {
  std::size_t at = 0;
  for (std::size_t t = 0; t < tensors().size(); ++t) {
    std::copy_n(all.data() + at, tensors()[t].elements,
                trainer_->parameters().real(static_cast<int>(t)));
    at += tensors()[t].elements;
  }
}

double WholeBatch::loss() {
  SplitSums sums;
  trainer_->begin_sums(sums);
  const StepOutcome outcome = trainer_->evaluate_batch(
      dataset_.test, *trainer_->setup().test().full, order_, 0, 0, 0, 0, sums);
  EXPECT_EQ(outcome.outcome, Outcome::kCompleted) << outcome.reason;
  return total(sums);
}

SplitSums WholeBatch::train() {
  SplitSums sums;
  trainer_->begin_sums(sums);
  const StepOutcome outcome =
      trainer_->train_batch(*trainer_->setup().train().full, order_, 0, 0, 0, sums);
  EXPECT_EQ(outcome.outcome, Outcome::kCompleted) << outcome.reason;
  return sums;
}

double WholeBatch::training_loss() { return total(train()); }

std::vector<double> WholeBatch::gradient() {
  static_cast<void>(train());
  std::vector<double> all;
  for (std::size_t t = 0; t < tensors().size(); ++t) {
    const double* g = trainer_->gradients().gradient(static_cast<int>(t));
    all.insert(all.end(), g, g + tensors()[t].elements);
  }
  return all;
}

}  // namespace aesweep::test
