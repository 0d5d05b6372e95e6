// kernels: throughput of the parts of a step, by Google Benchmark, each beside a copy of the same
// bytes where it moves memory. Names: what, then rows or elements.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "benchmarks/autoencoders.hpp"
#include "core/base/buffer.hpp"
#include "core/data/order.hpp"
#include "core/math/gemm.hpp"
#include "core/train/trainer.hpp"
#include "runner/plugin_host/plugin_host.hpp"

namespace aesweep {
namespace {

// One shard's forward product of 784-400: the speed of light of a step.
void product(benchmark::State& state) {
  const std::int64_t rows = state.range(0);
  const std::int64_t d = 784, k = 400;
  Buffer<float> x(static_cast<std::size_t>(rows * d));
  Buffer<float> w(static_cast<std::size_t>(d * k));
  Buffer<float> y(static_cast<std::size_t>(rows * k));
  for (auto _ : state) {
    gemm<float>(false, false, rows, k, d, 1.0f, x.data(), d, w.data(), k, 0.0f, y.data(), k);
    benchmark::DoNotOptimize(y.data());
  }
  state.counters["flop/s"] = benchmark::Counter(
      2.0 * static_cast<double>(rows * d * k) * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate);
}
BENCHMARK(product)->Arg(64)->Arg(128)->Arg(256);

void copy(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0)) * sizeof(float);
  Buffer<float> from(bytes / sizeof(float));
  Buffer<float> to(bytes / sizeof(float));
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), bytes);
    benchmark::DoNotOptimize(to.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}
BENCHMARK(copy)->Arg(64 * 784)->Arg(784 * 400);

void gather_rows(benchmark::State& state) {
  const BenchmarkData data(60000, 784);
  std::vector<std::int64_t> order(60000);
  epoch_order(1, 0, true, order);
  Buffer<float> rows(64 * 784);
  std::size_t first = 0;
  for (auto _ : state) {
    gather(data.dataset().train, std::span(order).subspan(first, 64), rows.data(), 784);
    first = (first + 64) % 59000;
    benchmark::DoNotOptimize(rows.data());
  }
  state.SetBytesProcessed(64 * 784 * 4 * state.iterations());
}
BENCHMARK(gather_rows);

void shuffle_epoch(benchmark::State& state) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(state.range(0)));
  std::uint64_t epoch = 0;
  for (auto _ : state) {
    epoch_order(1, epoch++, true, order);
    benchmark::DoNotOptimize(order.data());
  }
}
BENCHMARK(shuffle_epoch)->Arg(60000);

void train_step(benchmark::State& state) {
  static const Catalogue catalogue = [] {
    Catalogue c;
    const Status loaded = load_builtins(c);
    AESWEEP_CHECK(loaded.ok(), loaded.message());
    return c;
  }();
  const BenchmarkNetwork network = benchmark_networks()[static_cast<std::size_t>(state.range(0))];
  const TrialSpec spec = training_spec(network);
  const BenchmarkData data(network.batch_rows, network.widths.front());
  SoloExchange exchange;
  auto setup = set_up_trial<float>(spec, catalogue, data.extent(), 0, 1);
  AESWEEP_CHECK(setup.ok(), setup.status().message());
  Trainer<float> trainer(spec, data.dataset(), exchange, std::move(setup).value());
  std::vector<std::int64_t> order(static_cast<std::size_t>(network.batch_rows));
  std::iota(order.begin(), order.end(), 0);
  SplitSums sums;
  trainer.begin_sums(sums);
  std::int64_t step = 0;
  for (auto _ : state) {
    const StepOutcome outcome =
        trainer.train_batch(*trainer.setup().train().full, order, 0, step++, 0, sums);
    AESWEEP_CHECK(outcome.outcome == Outcome::kCompleted, outcome.reason);
  }
  state.SetLabel(network.name);
  state.SetItemsProcessed(network.batch_rows * state.iterations());
}
BENCHMARK(train_step)->DenseRange(0, 2)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace aesweep

BENCHMARK_MAIN();
