// Proves that the schedule's factor is what its header says: each kind against numbers worked out
// by hand, against the recurrences that other programs use, and in the optimizer's calls of whole
// trials; and that nobody but optimizers sees it.
#include "core/train/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/train/probe_components.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

// A factor is at most five roundings (quotient, pow or cos, three operations) of values of at most
// 2 away from the exact one.
constexpr double kBound = 5 * 2 * std::numeric_limits<double>::epsilon();

// Per step over `expected.size()` steps, or per epoch over as many epochs of three steps.
void expect_factors(const ScheduleSpec& schedule, const std::vector<double>& expected) {
  const std::uint64_t count = expected.size();
  for (std::uint64_t i = 0; i < count; ++i) {
    if (schedule.per == SchedulePer::kStep && schedule.kind != ScheduleKind::kStep) {
      EXPECT_NEAR(rate_factor(schedule, {i, count, i / 2, count}), expected[i], kBound) << i;
      continue;
    }
    for (std::uint64_t s = 0; s < 3; ++s) {
      EXPECT_NEAR(rate_factor(schedule, {3 * i + s, 3 * count, i, count}), expected[i], kBound)
          << i << " + " << s;
    }
  }
}

ScheduleSpec make(ScheduleKind kind, SchedulePer per, double final_factor,
                  std::int64_t warmup_steps = 0) {
  return {kind, per, warmup_steps, final_factor};
}

TEST(Schedule, EveryKindByHand) {
  using K = ScheduleKind;
  const double root_half = 0.70710678118654752440;
  for (const SchedulePer per : {SchedulePer::kStep, SchedulePer::kEpoch}) {
    expect_factors(make(K::kConstant, per, 0.5), {1, 1, 1});
    expect_factors(make(K::kLinear, per, 0.5), {1, 0.875, 0.75, 0.625});
    expect_factors(make(K::kLinear, per, 2.0), {1, 1.25, 1.5, 1.75});
    expect_factors(make(K::kLinear, per, 0.0), {1});
    expect_factors(make(K::kExponential, per, 1.0 / 16), {1, 0.5, 0.25, 0.125});
    expect_factors(make(K::kExponential, per, 16), {1, 2, 4, 8});
    expect_factors(make(K::kCosine, per, 0.0), {1, 0.5 + root_half / 2, 0.5, 0.5 - root_half / 2});
    expect_factors(make(K::kCosine, per, 0.2),
                   {1, 0.6 + 0.4 * root_half, 0.6, 0.6 - 0.4 * root_half});
  }
  ScheduleSpec step{K::kStep};
  expect_factors(step, {1, 0.1, 0.01, 0.001});
  step.every_epochs = 3;
  step.factor = 0.5;
  expect_factors(step, {1, 1, 1, 0.5, 0.5, 0.5, 0.25});
}

TEST(Schedule, WarmUpRisesLinearlyUnderAnyKind) {
  const std::vector<double> rise = {0.25, 0.5, 0.75, 1, 1, 1, 1, 1};
  for (const ScheduleKind kind : {ScheduleKind::kConstant, ScheduleKind::kLinear,
                                  ScheduleKind::kExponential, ScheduleKind::kCosine}) {
    const ScheduleSpec plain = make(kind, SchedulePer::kStep, 0.1);
    const ScheduleSpec warm = make(kind, SchedulePer::kStep, 0.1, 4);
    for (std::uint64_t t = 0; t < 8; ++t) {
      const ScheduleTime at = {t, 8, 0, 1};
      EXPECT_NEAR(rate_factor(warm, at), rise[t] * rate_factor(plain, at), kBound) << t;
    }
  }
  // Longer than the training: it ends on the way up.
  EXPECT_EQ(rate_factor(make(ScheduleKind::kConstant, SchedulePer::kStep, 0, 8), {3, 4, 0, 1}),
            0.5);
}

// BinaryConnect multiplies lr by (lr_final / lr_start)^(1 / epochs) after every epoch; its MNIST
// run goes from 1e-3 to 3e-6 in 250. Each product adds a rounding.
TEST(Schedule, ExponentialPerEpochIsBinaryConnects) {
  const int epochs = 250;
  const double start = 1e-3;
  const double last = 3e-6;
  const ScheduleSpec schedule = make(ScheduleKind::kExponential, SchedulePer::kEpoch, last / start);
  long double lr = start;
  const long double decay = std::pow(static_cast<long double>(last) / start, 1.0L / epochs);
  for (int e = 0; e < epochs; ++e) {
    const ScheduleTime at = {static_cast<std::uint64_t>(e * 600 + 599), 600u * epochs,
                             static_cast<std::uint64_t>(e), epochs};
    const double ours = start * rate_factor(schedule, at);
    EXPECT_NEAR(ours, static_cast<double>(lr), 8e-16 * start) << e;
    lr *= decay;
  }
}

TEST(Schedule, ImpossibleOnesAreNamed) {
  const auto refused = [](ScheduleSpec schedule, const std::string& message) {
    const Status status = check_schedule(schedule);
    EXPECT_EQ(status.fault(), Fault::kInput);
    EXPECT_NE(status.message().find(message), std::string::npos) << status.message();
  };
  EXPECT_TRUE(check_schedule({}).ok());
  refused(make(ScheduleKind::kExponential, SchedulePer::kStep, 0.0), "final_factor: 0");
  refused(make(ScheduleKind::kLinear, SchedulePer::kStep, -0.5), "final_factor: -0.5");
  refused(make(ScheduleKind::kLinear, SchedulePer::kStep, 1.0, -1), "warmup_steps: -1");
  refused(make(ScheduleKind::kCosine, SchedulePer::kStep, std::nan("")), "final_factor");
  refused({.kind = ScheduleKind::kStep, .every_epochs = 0}, "every_epochs: 0");
  refused({.kind = ScheduleKind::kStep, .factor = -1}, "factor: -1");
}

// 23 samples in batches of 8: three steps an epoch, on two ranks.
TEST(Schedule, OptimizersAndOnlyTheyGetIt) {
  const SmallData data(23, 9, 6);
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", 5, "clock", {{"steps_per_epoch", std::int64_t{3}}}),
                       dense("output", 0, "sigmoid")};
  spec.model.layers[0].quantizer = ComponentSpec{"frozen", {}};
  spec.optimizer = {"probe", {}};
  spec.train.epochs = 4;
  spec.train.batch_rows = 8;
  spec.train.shard_rows = 3;
  spec.train.schedule = {ScheduleKind::kLinear, SchedulePer::kEpoch, 2, 0.2};
  const std::vector<double> by_step = {0.5, 1, 1, 0.8, 0.8, 0.8, 0.6, 0.6, 0.6, 0.4, 0.4, 0.4};
  for (const int ranks : {1, 2}) {
    (void)take_probe_calls();
    const auto results = run_on_ranks(spec, data.dataset(), ranks);
    EXPECT_EQ(results[0].outcome, Outcome::kCompleted) << results[0].reason;
    const std::vector<ProbeCall> calls = take_probe_calls();
    ASSERT_EQ(calls.size(), 12u * 4u);  // Four tensors of one block.
    for (const ProbeCall& call : calls) {
      EXPECT_NEAR(call.rate_factor, by_step[call.step], kBound) << call.step;
      EXPECT_EQ(call.trace_layer, "optimizer");
      EXPECT_EQ(call.trace_step, call.step);
    }
  }
}

}  // namespace
}  // namespace aesweep::test
