// snapshot: what a checkpoint costs the training itself: the time of taking a state out of a
// trainer over the time of a memory copy of as many bytes, both into fresh memory.
//
// For each network, one core, adam; the writing of checkpoints is not in it, since it goes on
// beside the training. Snapshots and copies alternate; the ratio is the median over pairs. Ends
// with one line per network: snapshot <name> <ratio>.
#include "core/train/snapshot.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "benchmarks/autoencoders.hpp"
#include "runner/plugin_host/plugin_host.hpp"

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point from) {
  return std::chrono::duration<double>(Clock::now() - from).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

// Copies into memory that is fresh, as a snapshot's is.
double seconds_of_copy(const std::vector<std::byte>& source) {
  const auto start = Clock::now();
  const std::vector<std::byte> copy(source);
  const double seconds = seconds_since(start);
  if (copy.back() != source.back()) std::exit(1);
  return seconds;
}

double measure_case(const BenchmarkNetwork& network, const Catalogue& catalogue) {
  constexpr int kPairs = 41;
  TrialSpec spec = training_spec(network);
  spec.optimizer = {"adam", {}};
  const BenchmarkData data(network.batch_rows * 4, network.widths.front());
  SoloExchange exchange;
  auto setup = set_up_trial<float>(spec, catalogue, data.extent(), 0, 1);
  if (!setup.ok()) {
    std::fprintf(stderr, "%s\n", setup.status().message().c_str());
    std::exit(2);
  }
  Trainer<float> trainer(spec, data.dataset(), exchange, std::move(setup).value());
  std::vector<std::int64_t> order(static_cast<std::size_t>(data.dataset().train.rows));
  std::iota(order.begin(), order.end(), 0);
  SplitSums sums;
  trainer.begin_sums(sums);
  auto start = Clock::now();
  if (trainer.train_batch(*trainer.setup().train().full, order, 0, 0, 0, sums).outcome !=
      Outcome::kCompleted) {
    std::exit(1);
  }
  const double step = seconds_since(start);
  trainer.settle();
  const std::vector<std::byte> source(snapshot_bytes(trainer.setup()), std::byte{1});
  std::vector<double> snapshots, ratios;
  for (int pair = 0; pair < kPairs; ++pair) {
    start = Clock::now();
    const TrialState state = take_state(trainer, sums);
    snapshots.push_back(seconds_since(start));
    ratios.push_back(snapshots.back() / seconds_of_copy(source));
  }
  const double snapshot = median(snapshots);
  std::printf("%-20s %8.2f MB: snapshot %8.3f ms, %5.2f GB/s; a first step %8.3f ms\n",
              network.name.c_str(), static_cast<double>(source.size()) * 1e-6, snapshot * 1e3,
              static_cast<double>(source.size()) * 1e-9 / snapshot, step * 1e3);
  return median(ratios);
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
    lines.emplace_back(network.name, measure_case(network, catalogue));
  }
  for (const auto& [name, ratio] : lines) std::printf("snapshot %s %.3f\n", name.c_str(), ratio);
  return 0;
}

}  // namespace
}  // namespace aesweep

int main() { return aesweep::run(); }
