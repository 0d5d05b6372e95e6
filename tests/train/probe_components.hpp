// Components that check or record what the host gives them once per weight, for tests.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/model/catalogue.hpp"
#include "core/train/trial.hpp"

namespace aesweep::test {

// The built-ins and:
//   optimizer probe (lr)         w -= rate_factor lr g; BLOCKWISE; notes each call
//   optimizer whole (lr)         the same on whole tensors, with a slot of state that counts steps
//   optimizer failing (step)     fails at that step on every block but a tensor's first
//   quantizer frozen             q = w; undoes each update by the weights from before it
//   quantizer blind              q = w; insists that it gets no weights from before the update
//   quantizer two_faced          q = sign w in training, -sign w in evaluation
//   quantizer moving             q = mean |w| sign w; declares a moving scale
//   quantizer scripted           q = kScript[step] everywhere; declares a moving scale
//   regularizer explosive (step) on weights: nothing, but an infinite gradient at that step
//   activation clock             y = x; insists that train_step is right in training, evaluation
//                                and samples, of a trial whose epochs have equal numbers of steps
//                                (`epochs` of them), and that the rate factor is 1
[[nodiscard]] const Catalogue& probe_catalogue();

// Four changes of sign in nine steps; zeros are equal, and so are what is no number.
inline constexpr double kScript[] = {2.0,
                                     3.0,
                                     0.0,
                                     -0.0,
                                     -1.0,
                                     -7.0,
                                     std::numeric_limits<double>::quiet_NaN(),
                                     -std::numeric_limits<double>::quiet_NaN(),
                                     std::numeric_limits<double>::infinity(),
                                     4.0};

// A call of the optimizer probe.
struct ProbeCall {
  std::uint64_t step = 0;
  double rate_factor = 0.0;
  std::uint64_t stream = 0;
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::string trace_layer;  // What the call trace said meanwhile.
  std::uint64_t trace_step = 0;
};

// The calls since the last take, from any thread, in the order made.
[[nodiscard]] std::vector<ProbeCall> take_probe_calls();

// The results of all ranks of a group of threads.
[[nodiscard]] std::vector<TrialResult> run_on_ranks(const TrialSpec& spec, const Dataset& data,
                                                    int ranks);

// A tensor of f64 values.
[[nodiscard]] std::vector<double> values_of(const NamedTensor& tensor);

// The value that a metric had after an epoch (from 1); the test fails if there is none.
[[nodiscard]] double history_value(const TrialResult& result, const std::string& metric,
                                   std::int64_t epoch);

}  // namespace aesweep::test
