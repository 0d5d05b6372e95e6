// rank_scaling: what two (or more) ranks on one trial gain over one, and how much of the transfer
// is hidden behind computation. Run under mpirun, for example: mpirun -n 2 rank_scaling
//
// Rank 0 alone and the whole group train in turns; the ratio is the median over pairs. `bare` is
// the time of the same messages without any computation, `blocked` the time per step in which a
// rank had nothing to do but wait; hidden = 1 - blocked / bare. Ends with one line per network:
// rank_scaling <name> <ratio> hidden <fraction>.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "benchmarks/autoencoders.hpp"
#include "core/base/buffer.hpp"
#include "core/train/trainer.hpp"
#include "runner/comm/mpi_exchange.hpp"
#include "runner/comm/world.hpp"
#include "runner/plugin_host/plugin_host.hpp"

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPairs = 31;
constexpr int kSteps = 8;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// A trainer with its data and counters, on one exchange.
class Run {
 public:
  Run(const BenchmarkNetwork& network, const Catalogue& catalogue, Exchange& exchange)
      : spec_(training_spec(network)),
        data_(network.batch_rows * kSteps, network.widths.front()),
        exchange_(exchange),
        trainer_(spec_, data_.dataset(), exchange, make_setup(catalogue)),
        order_(static_cast<std::size_t>(data_.dataset().train.rows)) {
    std::iota(order_.begin(), order_.end(), 0);
    trainer_.begin_sums(sums_);
  }

  // Seconds per step over kSteps steps.
  double steps() {
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < kSteps; ++i) {
      const StepOutcome outcome = trainer_.train_batch(
          *trainer_.setup().train().full, order_, i * spec_.train.batch_rows, step_++, 0, sums_);
      if (outcome.outcome != Outcome::kCompleted)
        std::fprintf(stderr, "%s\n", outcome.reason.c_str());
    }
    trainer_.settle();
    return seconds_since(start) / kSteps;
  }

  // Seconds for one step's gradients and parameters to travel, with nothing else to do.
  double bare_transfer() {
    const Partition& partition = trainer_.setup().partition;
    const int tensors = static_cast<int>(trainer_.network().tensors().size());
    const std::size_t elements = trainer_.network().elements();
    Buffer<float> from(elements);
    Buffer<float> to(elements * static_cast<std::size_t>(exchange_.ranks()));
    const auto start = Clock::now();
    for (int round = 0; round < 2; ++round) {
      std::size_t at = 0;
      for (int t = 0; t < tensors; ++t) {
        for (int r = 0; r < exchange_.ranks(); ++r) {
          if (r == exchange_.rank()) continue;
          // Gradients: what I own arrives from r, what r owns leaves. Parameters: the reverse.
          const std::size_t mine = partition.owned(t, exchange_.rank()).count;
          const std::size_t theirs = partition.owned(t, r).count;
          const std::size_t in = round == 0 ? mine : theirs;
          const std::size_t out = round == 0 ? theirs : mine;
          if (in > 0) {
            static_cast<void>(
                exchange_.receive(r, t, std::as_writable_bytes(to.span().subspan(at, in))));
            at += in;
          }
          if (out > 0) exchange_.send(r, t, std::as_bytes(from.span().first(out)));
        }
      }
      exchange_.finish();
    }
    return seconds_since(start);
  }

  [[nodiscard]] Exchange& exchange() { return exchange_; }

 private:
  TrialSetup<float> make_setup(const Catalogue& catalogue) {
    auto setup =
        set_up_trial<float>(spec_, catalogue, data_.extent(), exchange_.rank(), exchange_.ranks());
    AESWEEP_CHECK(setup.ok(), setup.status().message());
    return std::move(setup).value();
  }

  TrialSpec spec_;
  BenchmarkData data_;
  Exchange& exchange_;
  Trainer<float> trainer_;
  std::vector<std::int64_t> order_;
  SplitSums sums_;
  std::int64_t step_ = 0;
};

std::string measure_case(World& world, const BenchmarkNetwork& network,
                         const Catalogue& catalogue) {
  SoloExchange alone;
  std::vector<int> all(static_cast<std::size_t>(world.ranks()));
  std::iota(all.begin(), all.end(), 0);
  MpiExchange together(world, all);
  Run one(network, catalogue, alone);
  Run group(network, catalogue, together);
  std::vector<double> ones, groups, ratios, bares, blocked;
  for (int pair = -3; pair < kPairs; ++pair) {
    const double one_s = world.rank() == 0 ? one.steps() : 0.0;
    world.barrier();
    const double blocked_before = together.blocked_seconds();
    const double group_s = group.steps();
    const double blocked_s = (together.blocked_seconds() - blocked_before) / kSteps;
    const double bare_s = group.bare_transfer();
    world.barrier();
    if (pair < 0) continue;
    ones.push_back(one_s);
    groups.push_back(group_s);
    ratios.push_back(one_s / group_s);
    bares.push_back(bare_s);
    blocked.push_back(blocked_s);
  }
  const double hidden = std::max(0.0, 1.0 - median(blocked) / median(bares));
  if (world.rank() != 0) return {};
  std::printf(
      "%-20s batch %4lld: 1 rank %7.3f ms, %d ranks %7.3f ms, bare transfer %6.3f ms, "
      "blocked %6.3f ms\n",
      network.name.c_str(), static_cast<long long>(network.batch_rows), median(ones) * 1e3,
      world.ranks(), median(groups) * 1e3, median(bares) * 1e3, median(blocked) * 1e3);
  std::array<char, 160> line{};
  std::snprintf(line.data(), line.size(), "rank_scaling %s %.3f hidden %.2f", network.name.c_str(),
                median(ratios), hidden);
  return line.data();
}

int run() {
  World world;
  Catalogue catalogue;
  const Status loaded = world.agree(load_builtins(catalogue));
  if (!loaded.ok()) {
    if (world.rank() == 0) std::fprintf(stderr, "%s\n", loaded.message().c_str());
    return 3;
  }
  std::vector<std::string> lines;
  for (BenchmarkNetwork network : benchmark_networks()) {
    network.batch_rows = 256;
    lines.push_back(measure_case(world, network, catalogue));
  }
  if (world.rank() == 0) {
    for (const std::string& line : lines) std::printf("%s\n", line.c_str());
  }
  return 0;
}

}  // namespace
}  // namespace aesweep

int main() { return aesweep::run(); }
