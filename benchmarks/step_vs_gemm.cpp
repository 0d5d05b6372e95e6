// step_vs_gemm: the time of a training step over the time of its matrix products alone.
//
// For each network, one core: the products are forward, weight gradient and input gradient of all
// dense layers but the first's input gradient, each for the whole batch in one call, on warm
// buffers, with one BLAS thread. Steps and products alternate; the ratio is the median over pairs.
// Ends with one line per network: step_vs_gemm <name> <ratio>.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "benchmarks/autoencoders.hpp"
#include "core/base/buffer.hpp"
#include "core/math/gemm.hpp"
#include "core/model/catalogue.hpp"
#include "core/train/trainer.hpp"
#include "runner/plugin_host/plugin_host.hpp"

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// The products of one step, on buffers of their own that stay warm.
class Products {
 public:
  Products(std::int64_t rows, const std::vector<std::int64_t>& widths)
      : rows_(rows), widths_(widths) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      values_.emplace_back(static_cast<std::size_t>(rows * widths[i]));
      deltas_.emplace_back(static_cast<std::size_t>(rows * widths[i]));
      fill(values_.back());
      fill(deltas_.back());
      if (i == 0) continue;
      weights_.emplace_back(static_cast<std::size_t>(widths[i - 1] * widths[i]));
      gradients_.emplace_back(weights_.back().size());
      fill(weights_.back());
    }
  }

  void run() {
    for (std::size_t l = 0; l < weights_.size(); ++l) {
      gemm<float>(false, false, rows_, widths_[l + 1], widths_[l], 1.0f, values_[l].data(),
                  widths_[l], weights_[l].data(), widths_[l + 1], 0.0f, values_[l + 1].data(),
                  widths_[l + 1]);
    }
    for (std::size_t l = weights_.size(); l-- > 0;) {
      gemm<float>(true, false, widths_[l], widths_[l + 1], rows_, 1.0f, values_[l].data(),
                  widths_[l], deltas_[l + 1].data(), widths_[l + 1], 0.0f, gradients_[l].data(),
                  widths_[l + 1]);
      if (l == 0) continue;
      gemm<float>(false, true, rows_, widths_[l], widths_[l + 1], 1.0f, deltas_[l + 1].data(),
                  widths_[l + 1], weights_[l].data(), widths_[l + 1], 0.0f, deltas_[l].data(),
                  widths_[l]);
    }
  }

 private:
  static void fill(Buffer<float>& buffer) {
    for (std::size_t i = 0; i < buffer.size(); ++i) {
      buffer[i] = static_cast<float>(i % 101) / 1010.0f - 0.05f;
    }
  }

  std::int64_t rows_;
  std::vector<std::int64_t> widths_;
  std::vector<Buffer<float>> values_, deltas_, weights_, gradients_;
};

struct Medians {
  double step_s = 0.0;
  double gemm_s = 0.0;
  double ratio = 0.0;
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

Medians measure_case(const BenchmarkNetwork& network, const Catalogue& catalogue) {
  constexpr int kWarmUp = 5;
  constexpr int kPairs = 61;
  constexpr int kRuns = 3;  // Of each kind in one pair, so that a pair outlasts a clock tick.
  const TrialSpec spec = training_spec(network);
  const BenchmarkData data(network.batch_rows * 4, network.widths.front());
  SoloExchange exchange;
  auto setup = set_up_trial<float>(spec, catalogue, data.extent(), 0, 1);
  if (!setup.ok()) {
    std::fprintf(stderr, "%s\n", setup.status().message().c_str());
    std::exit(2);
  }
  Trainer<float> trainer(spec, data.dataset(), exchange, std::move(setup).value());
  Products products(network.batch_rows, network.widths);
  std::vector<std::int64_t> order(static_cast<std::size_t>(data.dataset().train.rows));
  std::iota(order.begin(), order.end(), 0);
  SplitSums sums;
  trainer.begin_sums(sums);
  std::int64_t step = 0;
  const auto train = [&] {
    const StepOutcome outcome = trainer.train_batch(*trainer.setup().train().full, order,
                                                    step % 4 * network.batch_rows, step, 0, sums);
    ++step;
    if (outcome.outcome != Outcome::kCompleted) std::exit(1);
  };
  std::vector<double> steps, gemms, ratios;
  for (int pair = -kWarmUp; pair < kPairs; ++pair) {
    const auto start = Clock::now();
    for (int i = 0; i < kRuns; ++i) train();
    const auto middle = Clock::now();
    for (int i = 0; i < kRuns; ++i) products.run();
    const auto end = Clock::now();
    if (pair < 0) continue;
    steps.push_back(seconds(start, middle) / kRuns);
    gemms.push_back(seconds(middle, end) / kRuns);
    ratios.push_back(steps.back() / gemms.back());
  }
  return {median(steps), median(gemms), median(ratios)};
}

int run() {
  Catalogue catalogue;
  const Status loaded = load_builtins(catalogue);
  if (!loaded.ok()) {
    std::fprintf(stderr, "%s\n", loaded.message().c_str());
    return 3;
  }
  std::vector<std::pair<std::string, double>> lines;
  for (const BenchmarkNetwork& network : benchmark_networks()) {
    const Medians medians = measure_case(network, catalogue);
    std::printf("%-20s batch %4lld: step %8.3f ms, products %8.3f ms\n", network.name.c_str(),
                static_cast<long long>(network.batch_rows), medians.step_s * 1e3,
                medians.gemm_s * 1e3);
    lines.emplace_back(network.name, medians.ratio);
  }
  for (const auto& [name, ratio] : lines)
    std::printf("step_vs_gemm %s %.3f\n", name.c_str(), ratio);
  return 0;
}

}  // namespace
}  // namespace aesweep

int main() { return aesweep::run(); }
