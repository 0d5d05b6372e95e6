// streaming: what training from a file that stays on disk costs against training from memory, and
// how much memory it takes. Run under mpirun, for example:
//
//   mpirun -n 2 streaming [ROWS] [PAIRS] [FOLDER]
//
// Makes a file of ROWS x 784 f32 (1,000,000: 3.1 GB) in FOLDER (/tmp), which is removed again, and
// trains 784-400-784 for epochs of all rows, in turns streamed (blocks of 1 MiB in pools of 64 MiB)
// and from memory (the same file, mapped; all rows shuffled). Beginning an epoch, with its order,
// counts. Prints the median of the streamed epochs' speed over that of their memory neighbours, the
// same for processor time, and the largest resident set of any rank after the first epoch, which is
// streamed and comes before memory is touched. The file is in the page cache where that has room.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/autoencoders.hpp"
#include "core/data/order.hpp"
#include "core/data/stream_file.hpp"
#include "core/train/trainer.hpp"
#include "runner/comm/mpi_exchange.hpp"
#include "runner/comm/world.hpp"
#include "runner/plugin_host/plugin_host.hpp"

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kCols = 784;
constexpr std::int64_t kRowBytes = kCols * static_cast<std::int64_t>(sizeof(float));
constexpr std::int64_t kBlockRows = (std::int64_t{1} << 20) / kRowBytes;
constexpr std::int64_t kPoolRows = (std::int64_t{64} << 20) / kRowBytes;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

rusage usage() {
  rusage used{};
  AESWEEP_CHECK(::getrusage(RUSAGE_SELF, &used) == 0, "getrusage failed");
  return used;
}

double processor_seconds() {
  const rusage used = usage();
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void write_samples(const std::string& path, std::int64_t rows) {
  std::ofstream out(path, std::ios::binary);
  std::vector<float> row(kCols);
  std::uint32_t state = 1;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (float& value : row) {
      state = state * 1664525u + 1013904223u;
      value = static_cast<float>(state >> 8) * 0x1p-24f;
    }
    out.write(reinterpret_cast<const char*>(row.data()), kRowBytes);
  }
  out.close();
  AESWEEP_CHECK(out.good(), "cannot write " + path);
}

const std::byte* map_samples(const std::string& path, std::int64_t rows) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  AESWEEP_CHECK(file >= 0, "cannot open " + path);
  void* const at =
      ::mmap(nullptr, static_cast<std::size_t>(rows * kRowBytes), PROT_READ, MAP_SHARED, file, 0);
  AESWEEP_CHECK(at != MAP_FAILED, "cannot map " + path);
  ::close(file);
  return static_cast<const std::byte*>(at);
}

Dataset dataset_of(std::int64_t rows) {
  Dataset dataset;
  dataset.train.element = Element::kF32;
  dataset.train.rows = rows;
  dataset.train.cols = kCols;
  dataset.train.variation = 1.0;
  return dataset;
}

struct Cost {
  double seconds = 0.0;
  double processor_seconds = 0.0;
};

// A trainer with its data.
class Run {
 public:
  Run(Dataset dataset, const Catalogue& catalogue, Exchange& exchange)
      : spec_(training_spec(benchmark_networks().front())),
        dataset_(std::move(dataset)),
        exchange_(exchange),
        trainer_(spec_, dataset_, exchange, make_setup(catalogue)) {
    order_.resize(static_cast<std::size_t>(dataset_.train.rows));
    trainer_.begin_sums(sums_);
  }

  Cost epoch() {
    const auto start = Clock::now();
    const double processor_start = processor_seconds();
    const SplitPlans plans = trainer_.setup().train();
    const Split& split = dataset_.train;
    epoch_order(1, epoch_++, true, split.block_rows, split.pool_rows, order_);
    trainer_.begin_batches(split, plans, order_, 0);
    std::int64_t first = 0;
    for (std::int64_t b = 0; b < plans.batches; ++b) {
      const BatchPlan& plan = plans.batch(b);
      const StepOutcome outcome = trainer_.train_batch(plan, order_, first, step_++, 0, sums_);
      AESWEEP_CHECK(outcome.outcome == Outcome::kCompleted, outcome.reason);
      first += plan.rows;
    }
    trainer_.settle();
    return {std::chrono::duration<double>(Clock::now() - start).count(),
            processor_seconds() - processor_start};
  }

 private:
  TrialSetup<float> make_setup(const Catalogue& catalogue) {
    auto setup =
        set_up_trial<float>(spec_, catalogue, {dataset_.train.rows, dataset_.train.rows, kCols},
                            exchange_.rank(), exchange_.ranks());
    AESWEEP_CHECK(setup.ok(), setup.status().message());
    return std::move(setup).value();
  }

  TrialSpec spec_;
  Dataset dataset_;
  Exchange& exchange_;
  std::vector<std::int64_t> order_;
  Trainer<float> trainer_;  // After what it reads from.
  SplitSums sums_;
  std::uint64_t epoch_ = 0;
  std::int64_t step_ = 0;
};

void measure(World& world, const Catalogue& catalogue, const std::string& path, std::int64_t rows,
             int pairs) {
  std::vector<int> all(static_cast<std::size_t>(world.ranks()));
  std::iota(all.begin(), all.end(), 0);
  MpiExchange exchange(world, all);
  Dataset in_file = dataset_of(rows);
  auto file = StreamFile::open(path, 0, static_cast<std::uint64_t>(kRowBytes), rows);
  AESWEEP_CHECK(file.ok(), file.status().message());
  in_file.train.stream = std::make_shared<StreamFile>(std::move(file).value());
  in_file.train.block_rows = kBlockRows;
  in_file.train.pool_rows = kPoolRows;
  Dataset in_memory = dataset_of(rows);
  in_memory.train.samples = map_samples(path, rows);
  Run streamed(in_file, catalogue, exchange);
  Run memory(in_memory, catalogue, exchange);
  std::vector<double> speeds, processors;
  for (int pair = 0; pair < pairs; ++pair) {
    Cost from_memory;
    if (pair % 2 == 1) from_memory = memory.epoch();
    const Cost from_file = streamed.epoch();
    if (pair == 0) {
      std::printf("streaming rank %d: resident at most %.0f MB\n", world.rank(),
                  static_cast<double>(usage().ru_maxrss) * 1024e-6);
    }
    world.barrier();
    if (pair % 2 == 0) from_memory = memory.epoch();
    world.barrier();
    speeds.push_back(from_memory.seconds / from_file.seconds);
    processors.push_back(from_memory.processor_seconds / from_file.processor_seconds);
    if (world.rank() == 0) {
      std::printf("streamed %.2f s (processor %.2f s), memory %.2f s (%.2f s)\n", from_file.seconds,
                  from_file.processor_seconds, from_memory.seconds, from_memory.processor_seconds);
      std::fflush(stdout);
    }
  }
  if (world.rank() == 0) {
    std::printf("streaming %lld rows, %d ranks: speed %.3f of memory's, processor time %.3f\n",
                static_cast<long long>(rows), world.ranks(), median(speeds),
                1.0 / median(processors));
  }
}

int run(int count, char** arguments) {
  World world;
  Catalogue catalogue;
  const Status loaded = world.agree(load_builtins(catalogue));
  if (!loaded.ok()) {
    if (world.rank() == 0) std::fprintf(stderr, "%s\n", loaded.message().c_str());
    return 3;
  }
  const std::int64_t rows = count > 1 ? std::atoll(arguments[1]) : 1'000'000;
  const int pairs = count > 2 ? std::atoi(arguments[2]) : 3;
  const std::string path =
      std::string(count > 3 ? arguments[3] : "/tmp") + "/aesweep-streaming.f32";
  if (rows < 1 || pairs < 1) {
    if (world.rank() == 0) std::fprintf(stderr, "streaming [ROWS] [PAIRS] [FOLDER]\n");
    return 2;
  }
  if (world.rank() == 0) write_samples(path, rows);
  world.barrier();
  measure(world, catalogue, path, rows, pairs);
  world.barrier();
  if (world.rank() == 0) ::unlink(path.c_str());
  return 0;
}

}  // namespace
}  // namespace aesweep

int main(int count, char** arguments) { return aesweep::run(count, arguments); }
