#include "tests/train/group_run.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <mutex>
#include <vector>

#include "tests/train/thread_group.hpp"

namespace aesweep::test {
namespace {

void expect_same_tensors(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_EQ(a[i].shape, b[i].shape);
    EXPECT_EQ(a[i].scalar, b[i].scalar);
    EXPECT_TRUE(a[i].bytes == b[i].bytes) << a[i].name << " differs";
  }
}

template <class V>
bool same_bits(const V& a, const V& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

void expect_same_history(const std::vector<HistoryRow>& a, const std::vector<HistoryRow>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].epoch, b[i].epoch);
    EXPECT_EQ(a[i].step, b[i].step);
    EXPECT_EQ(a[i].metric, b[i].metric);
    EXPECT_TRUE(same_bits(a[i].value, b[i].value))
        << "metric " << a[i].metric << " of epoch " << a[i].epoch << ": " << a[i].value << " and "
        << b[i].value;
  }
}

}  // namespace

TrialResult run_group(const TrialSpec& spec, const Catalogue& catalogue, const Dataset& data,
                      int ranks) {
  const auto quiet = [](int) { return std::make_unique<TrialControl>(); };
  return run_group(spec, catalogue, data, ranks, quiet, nullptr);
}

TrialResult run_group(const TrialSpec& spec, const Catalogue& catalogue, const Dataset& data,
                      int ranks, const MakeControl& make_control, const TrialState* from) {
  TrialResult leader;
  std::vector<TrialResult> others;
  std::mutex mutex;
  run_thread_group(ranks, static_cast<unsigned>(ranks), [&](Exchange& exchange) {
    const std::unique_ptr<TrialControl> control = make_control(exchange.rank());
    // Of the others, what they have must not count.
    static const TrialState nonsense{99, 99, 99, {}, {}, {}};
    TrialResult result = run_trial(spec, catalogue, data, exchange, *control,
                                   exchange.rank() == 0 ? from : &nonsense);
    const std::lock_guard lock(mutex);
    if (exchange.rank() == 0) {
      leader = std::move(result);
    } else {
      others.push_back(std::move(result));
    }
  });
  for (const TrialResult& other : others) {
    EXPECT_EQ(other.outcome, leader.outcome);
    EXPECT_EQ(other.reason, leader.reason);
    EXPECT_EQ(other.steps, leader.steps);
    expect_same_history(other.history, leader.history);
  }
  return leader;
}

void expect_same_bits(const TrialResult& a, const TrialResult& b) {
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.steps, b.steps);
  EXPECT_EQ(a.epochs, b.epochs);
  expect_same_history(a.history, b.history);
  expect_same_tensors(a.weights_initial, b.weights_initial);
  expect_same_tensors(a.weights_final, b.weights_final);
  expect_same_tensors(a.samples, b.samples);
}

void expect_same_state(const TrialState& a, const TrialState& b) {
  EXPECT_EQ(a.epochs, b.epochs);
  EXPECT_EQ(a.steps, b.steps);
  EXPECT_EQ(a.batches, b.batches);
  expect_same_history(a.history, b.history);
  EXPECT_EQ(a.sums.rows, b.sums.rows);
  ASSERT_EQ(a.sums.terms.size(), b.sums.terms.size());
  for (std::size_t i = 0; i < a.sums.terms.size(); ++i) {
    EXPECT_TRUE(same_bits(a.sums.terms[i], b.sums.terms[i])) << "term " << i;
  }
  EXPECT_TRUE(same_bits(a.sums.error, b.sums.error));
  EXPECT_TRUE(same_bits(a.sums.code_sum, b.sums.code_sum));
  EXPECT_EQ(a.sums.unit_counts, b.sums.unit_counts);
  ASSERT_EQ(a.sums.flips.size(), b.sums.flips.size());
  for (std::size_t i = 0; i < a.sums.flips.size(); ++i) {
    EXPECT_EQ(a.sums.flips[i].changed, b.sums.flips[i].changed);
    EXPECT_EQ(a.sums.flips[i].compared, b.sums.flips[i].compared);
  }
  expect_same_tensors(a.tensors, b.tensors);
}

}  // namespace aesweep::test
