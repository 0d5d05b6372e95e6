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
    EXPECT_TRUE(a[i].bytes == b[i].bytes) << a[i].name << " differs";
  }
}

}  // namespace

TrialResult run_group(const TrialSpec& spec, const Catalogue& catalogue, const Dataset& data,
                      int ranks) {
  TrialResult leader;
  std::vector<TrialResult> others;
  std::mutex mutex;
  run_thread_group(ranks, static_cast<unsigned>(ranks), [&](Exchange& exchange) {
    TrialControl quiet;
    TrialResult result = run_trial(spec, catalogue, data, exchange, quiet);
    const std::lock_guard lock(mutex);
    if (exchange.rank() == 0) {
      leader = std::move(result);
    } else {
      others.push_back(std::move(result));
    }
  });
  for (const TrialResult& other : others) {
    EXPECT_EQ(other.reason, leader.reason);
    EXPECT_EQ(other.history.size(), leader.history.size());
  }
  return leader;
}

void expect_same_bits(const TrialResult& a, const TrialResult& b) {
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.steps, b.steps);
  ASSERT_EQ(a.history.size(), b.history.size());
  for (std::size_t i = 0; i < a.history.size(); ++i) {
    EXPECT_EQ(a.history[i].metric, b.history[i].metric);
    EXPECT_EQ(std::memcmp(&a.history[i].value, &b.history[i].value, sizeof(double)), 0)
        << a.metrics[static_cast<std::size_t>(a.history[i].metric)].name << ": "
        << a.history[i].value << " and " << b.history[i].value;
  }
  expect_same_tensors(a.weights_initial, b.weights_initial);
  expect_same_tensors(a.weights_final, b.weights_final);
  expect_same_tensors(a.samples, b.samples);
}

}  // namespace aesweep::test
