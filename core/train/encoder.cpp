#include "core/train/encoder.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "core/base/check.hpp"
#include "core/data/row_feed.hpp"
#include "core/model/call_trace.hpp"
#include "core/train/batch_plan.hpp"
#include "core/train/passes.hpp"
#include "core/train/workspace.hpp"

namespace aesweep {
namespace {

// The batch of the most rows and shards, and one of the longest shard that any batch may have: the
// shards of a shorter batch may be longer than those of the full one.
std::vector<BatchPlan> largest_plans(const TrainSpec& train, std::int64_t rows_max) {
  const std::int64_t rows = rows_max == 0 ? train.batch_rows : std::min(train.batch_rows, rows_max);
  return {make_batch_plan(rows, train.shard_rows, 0, 1),
          make_batch_plan(std::min(rows, train.shard_rows), train.shard_rows, 0, 1)};
}

}  // namespace

// One rank's passes over whole batches. Of a code layer the workspace keeps what went into the
// activation apart from what came out.
template <class T>
struct Encoder<T>::Parts {
  Parts(const TrialSpec& of_spec, const Network<T>& of_network, Parameters<T>& parameters,
        std::int64_t step, std::int64_t rows_max, std::function<void()> between)
      : spec(of_spec),
        network(of_network),
        train_step(step),
        total_steps(step),
        epochs(of_spec.train.epochs),
        progress(std::move(between)),
        code(of_network.code_layer()),
        units(of_network.layers()[static_cast<std::size_t>(code)].output_cols),
        plans(largest_plans(of_spec.train, rows_max)),
        workspace(of_network, plans),
        passes(of_network, parameters, workspace, plans, of_spec.evaluate.active_threshold, alone) {
    if (!network.layers()[static_cast<std::size_t>(code)].activation) return;
    code_memory().out = RowMatrix<T>(plans.front().rows, units);
  }

  [[nodiscard]] LayerMemory<T>& code_memory() {
    return workspace.layers[static_cast<std::size_t>(code)];
  }

  // Calls each(first row of the batch, its rows) with the rows in the workspace and begun passes.
  template <class Each>
  Status for_batches(const Split& split, std::int64_t first, std::int64_t count, const Each& each);

  // Row i of the split becomes row i - shift of `out`.
  Status encode(const Split& split, std::int64_t first, std::int64_t count, std::int64_t shift,
                RealCodes& out);

  const TrialSpec& spec;
  const Network<T>& network;
  std::int64_t train_step;
  std::int64_t total_steps;
  std::int64_t epochs;
  std::int64_t rows_before = 0;  // Of the split, which is part of a larger one.
  std::function<void()> progress;
  int code;
  std::int64_t units;
  SoloExchange alone;
  std::vector<BatchPlan> plans;  // Memory is taken for both.
  Workspace<T> workspace;
  Passes<T> passes;
};

template <class T>
template <class Each>
Status Encoder<T>::Parts::for_batches(const Split& split, std::int64_t first, std::int64_t count,
                                      const Each& each) {
  if (count == 0) return {};
  const std::int64_t batch_rows = std::min(spec.train.batch_rows, split.rows);
  AESWEEP_CHECK(batch_rows <= plans.front().rows, "no split has more rows than announced");
  AESWEEP_CHECK(first % spec.train.batch_rows == 0, "rows are encoded by whole batches");
  std::vector<std::int64_t> order(static_cast<std::size_t>(split.rows));
  std::iota(order.begin(), order.end(), 0);
  std::vector<RowRange> ranges;
  for (std::int64_t row = first; row < first + count; row += batch_rows) {
    ranges.push_back({row, std::min(batch_rows, split.rows - row)});
  }
  RowFeed feed;  // After the order, by which it may be reading when a fault ends this.
  feed.begin(split, order, ranges);
  for (const RowRange& range : ranges) {
    const Status rows = feed.next(workspace.input.row(0), workspace.input.stride());
    const BatchPlan plan = make_batch_plan(range.count, spec.train.shard_rows, 0, 1);
    AESWEEP_CHECK(plan.shards.front().rows <= network.shard_rows_max(),
                  "the network is planned for shards of the splits that are encoded");
    const aesweep_context context =
        batch_context({AESWEEP_EVAL, (rows_before + range.first) / batch_rows, epochs, total_steps,
                       spec.train.seed, train_step},
                      plan);
    call_trace().moved();
    passes.begin(plan, context, false, rows);
    each(range);
    if (passes.fault().present()) return Status::world(passes.fault().reason);
    if (progress) progress();
  }
  return {};
}

template <class T>
Status Encoder<T>::Parts::encode(const Split& split, std::int64_t first, std::int64_t count,
                                 std::int64_t shift, RealCodes& out) {
  AESWEEP_CHECK(out.rows >= first + count - shift && out.units == units,
                "there is room for the codes");
  return for_batches(split, first, count, [&](const RowRange& range) {
    passes.forward(0, code + 1);
    LayerMemory<T>& memory = code_memory();
    for (std::int64_t i = 0; i < range.count; ++i) {
      const std::int64_t at = (range.first + i - shift) * units;
      std::copy_n(memory.output().row(i), units, out.codes.data() + at);
      if (!out.pre.empty()) std::copy_n(memory.pre.row(i), units, out.pre.data() + at);
    }
  });
}

template <class T>
Encoder<T>::Encoder(const TrialSpec& spec, const Network<T>& network, Parameters<T>& parameters,
                    std::int64_t train_step, std::int64_t rows_max, std::function<void()> progress)
    : parts_(std::make_unique<Parts>(spec, network, parameters, train_step, rows_max,
                                     std::move(progress))) {}

template <class T>
Encoder<T>::~Encoder() = default;

template <class T>
std::int64_t Encoder<T>::batch_rows() const {
  return parts_->spec.train.batch_rows;
}

template <class T>
std::size_t Encoder<T>::bytes(const TrialSpec& spec, const Network<T>& network,
                              std::int64_t rows_max) {
  const std::vector<BatchPlan> plans = largest_plans(spec.train, rows_max);
  const auto units = static_cast<std::size_t>(
      network.layers()[static_cast<std::size_t>(network.code_layer())].output_cols);
  return Workspace<T>::bytes(network, plans) + Passes<T>::bytes(network, plans) +
         static_cast<std::size_t>(plans.front().rows) * padded_to_line<T>(units) * sizeof(T);
}

template <class T>
void Encoder<T>::ended_early(std::int64_t epochs, std::int64_t total_steps) {
  parts_->epochs = epochs;
  parts_->total_steps = total_steps;
}

template <class T>
Status Encoder<T>::encode(const Split& split, std::int64_t first, std::int64_t count,
                          RealCodes& out) {
  return parts_->encode(split, first, count, 0, out);
}

template <class T>
Status Encoder<T>::encode_part(const Split& split, std::int64_t first, std::int64_t count,
                               std::int64_t rows_before, RealCodes& out) {
  parts_->rows_before = rows_before;
  const Status status = parts_->encode(split, first, count, first, out);
  parts_->rows_before = 0;
  return status;
}

template <class T>
Status Encoder<T>::squared_errors(const Split& split, std::int64_t first, std::int64_t count,
                                  std::span<const double> levels, std::span<double> errors) {
  Parts& p = *parts_;
  AESWEEP_CHECK(p.network.target() == Target::kInput, "the network reconstructs its input");
  const int layers = static_cast<int>(p.network.layers().size());
  // Levels are not the non-zeros of any code.
  ActiveSets<T> active = std::exchange(p.code_memory().active, ActiveSets<T>());
  const Status status = p.for_batches(split, first, count, [&](const RowRange& range) {
    RowMatrix<T>& codes = p.code_memory().output();
    for (std::int64_t i = 0; i < range.count; ++i) {
      const double* level = levels.data() + (range.first - first + i) * p.units;
      std::transform(level, level + p.units, codes.row(i),
                     [](double v) { return static_cast<T>(v); });
    }
    p.passes.forward(p.code + 1, layers);
    RowMatrix<T>& output = p.workspace.layers.back().output();
    for (std::int64_t i = 0; i < range.count; ++i) {
      double sum = 0.0;
      for (std::int64_t c = 0; c < split.cols; ++c) {
        const double d = static_cast<double>(output.row(i)[c]) -
                         static_cast<double>(p.workspace.input.row(i)[c]);
        sum += d * d;
      }
      errors[static_cast<std::size_t>(range.first - first + i)] = sum;
    }
  });
  p.code_memory().active = std::move(active);
  return status;
}

template class Encoder<float>;
template class Encoder<double>;

}  // namespace aesweep
